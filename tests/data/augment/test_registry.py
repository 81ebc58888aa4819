"""The properties that all augmentations share, and the parser. What each does is tested in a file of its own."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from convscope.data.augment import AUGMENTATIONS, mirrors, parse_augment
from convscope.errors import UsageError

from .images import apply, channels_last, context, noise, photos

# random-crop changes the size, if the context has one; without it images stay as they are.
ONLY_MOVING = ("flip", "alternating-flip", "shift", "crop", "random-crop")
WARPS = ("rotate", "affine", "elastic", "resized-crop")
# These bring colours into an image that it did not have.
FOREIGN = ("crop", "erase", "trivial-augment", "rand-augment")
SHAPES = [(9, 1, 28, 28), (9, 3, 20, 33), (3, 3, 5, 9), (2, 1, 1, 1), (2, 3, 1, 6), (0, 3, 8, 8)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_shape_type_and_range_stay_and_the_input_is_not_changed(name, shape):
    images = noise(shape)
    changed = apply(name, images)
    assert changed.shape == shape and changed.dtype == (torch.uint8 if name in ONLY_MOVING else torch.float32)
    assert changed.float().isfinite().all() and torch.equal(images, noise(shape))
    assert not images.numel() or (changed.min() >= 0 and changed.max() <= 255)
    from_float = images.float()
    torch.testing.assert_close(apply(name, from_float), changed.float(), atol=2e-3, rtol=0)
    assert torch.equal(from_float, noise(shape).float())


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_memory_format_stays_and_does_not_change_the_result(name, shape):
    images = noise(shape)
    plain, last = apply(name, images), apply(name, channels_last(images))
    assert plain.is_contiguous() and last.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(plain, last, atol=1e-3, rtol=0)
    # A slice of larger images has neither format.
    part = torch.zeros(*shape[:2], shape[2] + 1, shape[3] + 2, dtype=torch.uint8)[:, :, 1:, 1:-1].copy_(images)
    torch.testing.assert_close(apply(name, part), plain, atol=1e-3, rtol=0)


@pytest.mark.parametrize("name", [name for name in AUGMENTATIONS if name != "random-crop"])
def test_the_context_alone_determines_the_result(name):
    images = noise((16, 3, 16, 16))
    once = apply(name, images)
    torch.rand(5)  # the global generator has no influence
    assert torch.equal(once, apply(name, images)) and not torch.equal(once, apply(name, images, seed=1))
    changed = (once.float() - images).abs().amax((1, 2, 3)) > 0.5
    assert int(changed.sum()) >= 2


@pytest.mark.parametrize("level", [0, 77, 255])
@pytest.mark.parametrize("name", [name for name in AUGMENTATIONS if name not in FOREIGN])
def test_an_image_of_one_colour_stays_of_one_colour(name, level):
    images = torch.full((9, 3, 14, 15), level, dtype=torch.uint8)
    images[:, 1] = 200
    changed = apply(name, images).float()
    torch.testing.assert_close(changed, changed[:, :, :1, :1].expand_as(changed), atol=1e-4, rtol=0)
    if name in (*ONLY_MOVING, *WARPS, "cutout"):
        torch.testing.assert_close(changed, images.float(), atol=1e-4, rtol=0)


class OneDevice(TorchDispatchMode):
    """Fails for every operation on tensors of two devices, except moving one to the other."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        tensors = [item for item in tree_leaves((args, kwargs)) if isinstance(item, Tensor) and item.dim()]
        moves = func.overloadpacket in (torch.ops.aten._to_copy, torch.ops.aten.copy_)
        assert moves or len({item.device for item in tensors}) <= 1, func
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_parameters_are_sampled_on_the_cpu_and_moved(name):
    """The `meta` device holds no values, so what works there cannot depend on the device's own values."""
    augment = parse_augment(name)
    for shape in SHAPES[:2]:
        images, here, there = channels_last(noise(shape)), context(shape[0]), context(shape[0])
        augment(images, here)
        with OneDevice():
            changed = augment(images.to("meta"), there)
        assert changed.device.type == "meta" and changed.shape == shape
        assert torch.equal(here.generator.get_state(), there.generator.get_state())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_the_same_on_cuda(name):
    images = channels_last(photos(32, 3, 32, 32))
    torch.testing.assert_close(apply(name, images.cuda()).cpu(), apply(name, images), atol=0.02, rtol=0)


def test_none_is_no_augmentation():
    assert parse_augment("none") is None and parse_augment(" none ") is None


def test_changes_are_made_in_the_order_given():
    images, same = noise((12, 1, 9, 9)), context(12)
    one = parse_augment("flip, shift=3 ,cutout=0.5")(images, context(12))
    for name in ("flip", "shift=3", "cutout=0.5"):
        images = parse_augment(name)(images, same)
    assert torch.equal(one, images)
    assert not torch.equal(one, parse_augment("cutout=0.5,shift=3,flip")(noise((12, 1, 9, 9)), context(12)))


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_the_default_amount_is_in_its_range_and_is_what_a_bare_name_means(name):
    known = AUGMENTATIONS[name]
    if known.amount is None:
        return
    low, high = known.limits
    assert low <= known.amount <= high
    images = noise((6, 3, 12, 12))
    assert torch.equal(apply(name, images), apply(f"{name}={known.amount:g}", images))
    for amount in (low, min(high, 100)):
        assert apply(f"{name}={amount:g}", images).isfinite().all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("flp", "augment: unknown augmentation 'flp': did you mean flip?"),
        ("flip,shfit=2", "augment: unknown augmentation 'shfit': did you mean shift?"),
        ("quantum", "augment: unknown augmentation 'quantum': choose from none, flip,"),
        ("", "augment: unknown augmentation ''"),
        ("flip,,shift", "augment: unknown augmentation ''"),
        ("none,flip", "augment: 'none' cannot be combined"),
        ("none=1", "augment: 'none' cannot be combined"),
        ("flip=1", "augment: flip takes no amount, not '1'"),
        ("shift=", "augment: shift must be a number from 0 to 10000, not ''"),
        ("shift=two", "augment: shift must be a number from 0 to 10000, not 'two'"),
        ("shift=-1", "augment: shift must be a number from 0 to 10000, not '-1'"),
        ("rotate=nan", "augment: rotate must be a number from 0 to 180, not 'nan'"),
        ("rotate=inf", "augment: rotate must be a number from 0 to 180, not 'inf'"),
        ("erase=1.5", "augment: erase must be a number from 0 to 1, not '1.5'"),
        ("rotate=1=2", "augment: rotate must be a number from 0 to 180, not '1=2'"),
        ("a\nb", "augment: unknown augmentation 'a\\nb'"),
    ],
)
def test_a_wrong_text_is_an_error_of_one_line(text, message):
    with pytest.raises(UsageError) as caught:
        parse_augment(text)
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)


def test_what_mirrors_is_known():
    assert mirrors("shift=2,flip") and mirrors("alternating-flip") and not mirrors("none") and not mirrors("shift,crop")
