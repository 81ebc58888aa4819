"""Batches can be reached again from any step, and augmentations change what they may and nothing else."""

from __future__ import annotations

import pytest
import torch

from convscope.data import Preprocess, augment
from convscope.data.augment import AUGMENTATIONS, affine, flip_crop
from convscope.data.batches import Batches, in_order
from convscope.data.decoded import Decoded

CPU = torch.device("cpu")
PLAIN = Preprocess((1, 6, 5), mean=(0.0,), std=(1.0,))


def decoded(n: int) -> Decoded:
    """Image i has label i and only the value i, so that it is known again wherever it turns up."""
    pixels = torch.arange(n, dtype=torch.uint8).view(-1, 1, 1, 1).expand(n, 1, 6, 5).contiguous()
    return Decoded(pixels, torch.arange(n), [str(i) for i in range(n)], [], [])


def batches(n: int = 23, size: int = 4, seed: int = 0, name: str = "none") -> Batches:
    return Batches(decoded(n), PLAIN, size, seed, CPU, AUGMENTATIONS[name])


def coin(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def same(one, two) -> bool:
    one, two = list(one), list(two)
    return len(one) == len(two) and all(
        torch.equal(a, c) and torch.equal(b, d) for (a, b), (c, d) in zip(one, two, strict=True)
    )


@pytest.mark.parametrize(
    ("n", "size", "sizes"),
    [(10, 4, [4, 4, 2]), (8, 4, [4, 4]), (3, 100, [3]), (1, 4, [1]), (9, 4, [4, 5]), (3, 1, [1, 2])],
)
def test_an_epoch_has_every_image_once_with_its_own_label(n, size, sizes):
    """A last image that would be alone joins the batch before it."""
    stream = batches(n, size)
    epoch = list(stream.epoch(0))
    assert [len(labels) for _, labels in epoch] == sizes and len(stream) == len(sizes)
    assert sorted(torch.cat([labels for _, labels in epoch]).tolist()) == list(range(n))
    for images, labels in epoch:
        assert images.shape == (len(labels), 1, 6, 5) and images.dtype == torch.float32
        torch.testing.assert_close(images, (labels.float() / 255).view(-1, 1, 1, 1).expand_as(images))


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_seed_epoch_and_step_alone_decide(name):
    whole = list(batches(name=name).epoch(2))
    torch.rand(7)  # the global generator has no say
    assert same(whole, batches(name=name).epoch(2))
    for start in range(len(whole) + 1):
        assert same(whole[start:], batches(name=name).epoch(2, start))
    again = batches(name=name)
    list(again.epoch(0))
    assert same(whole, again.epoch(2))
    assert not same(whole, batches(name=name).epoch(3)) and not same(whole, batches(name=name, seed=1).epoch(2))


def test_orders_of_epochs_and_seeds_differ():
    orders = {
        tuple(torch.cat([labels for _, labels in batches(seed=seed).epoch(epoch)]).tolist())
        for seed in range(4) for epoch in range(4)
    }  # fmt: skip
    assert len(orders) == 16


def test_steps_of_an_epoch_are_augmented_differently():
    images = torch.rand(1, 1, 28, 28, generator=coin()).mul(255).byte().repeat(8, 1, 1, 1)
    data = Decoded(images, torch.zeros(8, dtype=torch.int64), [""] * 8, [], [])
    stream = Batches(data, Preprocess((1, 28, 28)), 4, 0, CPU, affine)
    first, second = (batch for batch, _ in stream.epoch(0))
    assert len({tuple(image.flatten().tolist()) for image in torch.cat([first, second])}) == 8


def test_in_order_is_in_order():
    parts = list(in_order(decoded(23), PLAIN, CPU, 10))
    assert [len(labels) for _, labels in parts] == [10, 10, 3]
    assert torch.cat([labels for _, labels in parts]).tolist() == list(range(23))
    assert torch.cat([images for images, _ in parts])[:, 0, 0, 0].mul(255).round().tolist() == list(range(23))


@pytest.mark.parametrize("change", [affine, flip_crop])
@pytest.mark.parametrize("shape", [(1, 1, 28, 28), (16, 3, 32, 20), (2, 1, 1, 1), (3, 3, 5, 9)])
def test_shape_and_kind_stay_and_the_input_is_not_written(change, shape):
    images = torch.randn(shape, generator=coin())
    before = images.clone()
    changed = change(images, coin(1))
    assert changed.shape == shape and changed.dtype == torch.float32 and changed.isfinite().all()
    assert torch.equal(images, before) and torch.equal(changed, change(images, coin(1)))


@pytest.mark.parametrize("change", [affine, flip_crop])
def test_the_mean_stays_roughly_and_the_pictures_do_change(change):
    y, x = torch.meshgrid(torch.linspace(-1, 1, 28), torch.linspace(-1, 1, 28), indexing="ij")
    blob = torch.exp(-6 * ((x - 0.1).square() + y.square())).repeat(64, 1, 1, 1)
    changed = change(blob, coin())
    assert changed.mean() == pytest.approx(float(blob.mean()), rel=0.1)
    assert (changed - blob).abs().mean((1, 2, 3)).gt(1e-3).float().mean() > 0.9
    assert changed.min() >= -1e-6 and changed.max() <= 1 + 1e-6


@pytest.mark.parametrize("level", [-0.42, 0.0, 2.8])
@pytest.mark.parametrize("change", [affine, flip_crop])
def test_one_colour_stays_one_colour(change, level):
    """Whatever the normalised value of the background: nothing else comes in from outside."""
    images = torch.full((9, 1, 28, 28), level)
    torch.testing.assert_close(change(images, coin()), images)


def drawn(monkeypatch, value: float, column: int | None = None) -> None:
    """Let `affine` draw 0 everywhere, but `value` (of -1..1) in one of its five columns."""

    def rand(rows, n, **_):
        draws = torch.full((rows, n), 0.5, dtype=torch.float64)
        if column is not None:
            draws[column] = (value + 1) / 2
        return draws

    monkeypatch.setattr(augment.torch, "rand", rand)


@pytest.mark.parametrize("shape", [(4, 3, 28, 28), (2, 1, 9, 14)])
def test_affine_without_a_change_is_the_identity(monkeypatch, shape):
    images = torch.randn(shape, generator=coin())
    drawn(monkeypatch, 0.0)
    torch.testing.assert_close(affine(images, coin()), images, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("column", "axis"), [(3, 3), (4, 2)])
def test_affine_shifts_by_up_to_8_percent(monkeypatch, column, axis):
    """A full draw moves the sampling grid by 0.16 of its half side of 1: 8 % of the side, 2 pixels of 25."""
    images = torch.zeros(1, 1, 25, 25)
    images[0, 0, 12, 12] = 1
    drawn(monkeypatch, 1.0, column)
    moved = affine(images, coin())
    torch.testing.assert_close(moved, images.roll(-2, axis), atol=1e-5, rtol=0)


def test_affine_turns_about_the_middle_and_scales(monkeypatch):
    images = torch.zeros(1, 1, 51, 51)
    images[0, 0, 25, 45] = 1  # 20 to the right of the middle
    drawn(monkeypatch, 1.0, 0)
    turned = affine(images, coin())[0, 0]
    y, x = torch.meshgrid(torch.arange(51.0) - 25, torch.arange(51.0) - 25, indexing="ij")
    place = float((turned * x).sum() / turned.sum()), float((turned * y).sum() / turned.sum())
    angle = torch.tensor(12.0).deg2rad()
    assert place == pytest.approx((20 * float(angle.cos()), -20 * float(angle.sin())), abs=0.3)
    drawn(monkeypatch, 1.0, 1)
    scaled = affine(images, coin())[0, 0]
    assert float((scaled * x).sum() / scaled.sum()) == pytest.approx(20 / 1.12, abs=0.3)


@pytest.mark.parametrize("shape", [(40, 3, 16, 16), (40, 1, 8, 24), (5, 3, 7, 7)])
def test_flip_crop_is_what_it_says_image_by_image(shape):
    images = torch.randn(shape, generator=coin())
    n, _, height, width = shape
    chance = coin(5)
    mirrored = torch.rand(n, generator=chance) < 0.5
    margin = max(height, width) // 8
    shift = torch.randint(-margin, margin + 1, (2, n, 1), generator=chance)
    expected = torch.empty_like(images)
    for i in range(n):
        for row in range(height):
            for column in range(width):
                y = min(max(row + int(shift[0, i]), 0), height - 1)
                x = min(max(column + int(shift[1, i]), 0), width - 1)
                if mirrored[i]:
                    x = min(max(width - 1 - column + int(shift[1, i]), 0), width - 1)
                expected[i, :, row, column] = images[i, :, y, x]
    assert torch.equal(flip_crop(images, coin(5)), expected)
    if n == 40:
        assert 0 < int(mirrored.sum()) < n and int(shift.min()) == -margin and int(shift.max()) == margin
