"""Batches: the same again from any step, in their memory format, with every image once and its own label."""

from __future__ import annotations

import pytest
import torch

from convscope.data import Preprocess
from convscope.data.augment import AUGMENTATIONS, BatchContext, parse_augment
from convscope.data.batches import Batches, in_order
from convscope.data.decoded import Decoded

CPU = torch.device("cpu")
PLAIN = Preprocess((1, 6, 5), mean=(0.0,), std=(1.0,))
COLOUR = Preprocess((3, 8, 9), mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6))


def decoded(n: int) -> Decoded:
    """Return images of which image i has label i and only the value i, so that it is recognised anywhere."""
    pixels = torch.arange(n, dtype=torch.uint8).view(-1, 1, 1, 1).expand(n, 1, 6, 5).contiguous()
    return Decoded(pixels, torch.arange(n), [str(i) for i in range(n)], [], [])


def coloured(n: int = 23) -> Decoded:
    pixels = torch.randint(256, (n, 3, 8, 9), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return Decoded(pixels, torch.arange(n), [str(i) for i in range(n)], [], [])


def batches(n: int = 23, size: int = 4, seed: int = 0) -> Batches:
    return Batches(decoded(n), PLAIN, size, seed, CPU)


def same(one, two) -> bool:
    one, two = list(one), list(two)
    return len(one) == len(two) and all(
        torch.equal(a, c) and torch.equal(b, d) for (a, b), (c, d) in zip(one, two, strict=True)
    )


@pytest.mark.parametrize(
    ("n", "size", "sizes"),
    [(10, 4, [4, 4, 2]), (8, 4, [4, 4]), (3, 100, [3]), (1, 4, [1]), (9, 4, [4, 5]), (3, 1, [1, 1, 1]), (1, 1, [1])],
)
def test_an_epoch_has_every_image_once_with_its_own_label(n, size, sizes):
    """A last image that would be alone joins the batch before it, unless all are."""
    stream = batches(n, size)
    epoch = list(stream.epoch(0))
    assert [len(labels) for _, labels in epoch] == sizes and len(stream) == len(sizes)
    assert sorted(torch.cat([labels for _, labels in epoch]).tolist()) == list(range(n))
    for images, labels in epoch:
        assert images.shape == (len(labels), 1, 6, 5) and images.dtype == torch.float32
        torch.testing.assert_close(images, (labels.float() / 255).view(-1, 1, 1, 1).expand_as(images))


@pytest.mark.parametrize("name", ["none", *AUGMENTATIONS, "flip,shift=2,cutout=0.5"])
def test_seed_epoch_and_step_alone_determine_a_batch(name):
    def stream(seed: int = 0) -> Batches:
        return Batches(coloured(), COLOUR, 4, seed, CPU, parse_augment(name))

    whole = list(stream().epoch(2))
    torch.rand(7)  # the global generator has no influence
    for start in range(len(whole) + 1):
        assert same(whole[start:], stream().epoch(2, start))
    again = stream()
    list(again.epoch(0))
    assert same(whole, again.epoch(2))
    assert not same(whole, stream().epoch(3)) and not same(whole, stream(seed=1).epoch(2))


def test_orders_of_epochs_and_seeds_differ():
    orders = {
        tuple(torch.cat([labels for _, labels in batches(seed=seed).epoch(epoch)]).tolist())
        for seed in (0, 1, 2, 2**31 - 1) for epoch in range(4)
    }  # fmt: skip
    assert len(orders) == 16


def test_steps_of_an_epoch_are_augmented_differently():
    images = torch.randint(256, (1, 1, 28, 28), dtype=torch.uint8).repeat(8, 1, 1, 1)
    data = Decoded(images, torch.zeros(8, dtype=torch.int64), [""] * 8, [], [])
    stream = Batches(data, Preprocess((1, 28, 28)), 4, 0, CPU, parse_augment("affine"))
    first, second = (batch for batch, _ in stream.epoch(0))
    assert len({tuple(image.flatten().tolist()) for image in torch.cat([first, second])}) == 8


def test_pixels_are_augmented_before_they_are_normalised():
    """The augmentation gets uint8 pixels, the indices of the images, and the run's seed and epoch."""
    data, seen = coloured(), []

    def augment(pixels, context: BatchContext):
        seen.append(context.indices)
        assert pixels.dtype == torch.uint8 and pixels.is_contiguous(memory_format=torch.channels_last)
        assert torch.equal(pixels, data.pixels[context.indices])
        assert (context.seed, context.epoch, context.generator.device) == (5, 2, CPU) and context.indices.device == CPU
        return 255 - pixels

    before = data.pixels.clone()
    for images, labels in Batches(data, COLOUR, 6, 5, CPU, augment).epoch(2):
        assert torch.equal(labels, seen[-1])
        torch.testing.assert_close(images, COLOUR.normalize(255 - data.pixels[labels]))
    assert torch.equal(torch.cat(seen).sort().values, torch.arange(23)) and torch.equal(data.pixels, before)


@pytest.mark.parametrize("name", ["none", "flip,shift=2", "affine"])
def test_batches_are_channels_last(name):
    stream = Batches(coloured(), COLOUR, 5, 0, CPU, parse_augment(name))
    assert stream.pixels.is_contiguous(memory_format=torch.channels_last)
    for images, _ in stream.epoch(0):
        assert images.is_contiguous(memory_format=torch.channels_last) and not images.is_contiguous()


def test_changing_a_batch_does_not_change_the_pixels():
    stream = batches()
    for images, labels in stream.epoch(0):
        images.zero_()
        labels.zero_()
    assert torch.equal(stream.pixels, decoded(23).pixels) and torch.equal(stream.labels, torch.arange(23))


def test_in_order_yields_every_image_once_in_order():
    parts = list(in_order(decoded(23), PLAIN, CPU, 10))
    assert [len(labels) for _, labels in parts] == [10, 10, 3]
    assert torch.cat([labels for _, labels in parts]).tolist() == list(range(23))
    assert torch.cat([images for images, _ in parts])[:, 0, 0, 0].mul(255).round().tolist() == list(range(23))


def test_a_sample_is_normalised_and_limited_in_memory():
    images, labels = batches(23).sample(10)
    assert images.shape == (10, 1, 6, 5) and len(set(labels.tolist())) == 10
    torch.testing.assert_close(images[:, 0, 0, 0] * 255, labels.float())
    assert len(batches(23).sample(100)[1]) == 23
    large = Decoded(torch.zeros(40, 1, 1024, 1024, dtype=torch.uint8), torch.zeros(40).long(), [""] * 40, [], [])
    stream = Batches(large, Preprocess((1, 1024, 1024)), 4, 0, CPU)
    assert len(stream.sample(40)[1]) == 16
