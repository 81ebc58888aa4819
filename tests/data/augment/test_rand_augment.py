"""RandAugment against torchvision's: each operation, several magnitudes, images of any proportions."""

from __future__ import annotations

import pytest
import torch
from torchvision.transforms.v2 import InterpolationMode, RandAugment

from convscope.data.augment.rand_augment import rand_augment, random_operations, strengths
from convscope.data.augment.trivial_augment import OPERATIONS, apply_operations

from .images import channels_last, context, generator, photos

THEIRS = RandAugment(interpolation=InterpolationMode.BILINEAR)
NAMES = list(OPERATIONS)
# With uint8 images, torchvision rounds these operations by rules of its own, so it gets float images from 0 to 1.
FLOAT = set(NAMES) - {"Posterize", "Solarize", "Equalize"}


@pytest.mark.parametrize("magnitude", [0, 9, 17, 30])
@pytest.mark.parametrize("size", [(28, 28), (24, 37)], ids=str)
def test_strengths_are_torchvisions(magnitude, size):
    ours = strengths(magnitude, size)
    assert list(ours) == NAMES == list(RandAugment._AUGMENTATION_SPACE)
    for name, (limits, signed) in RandAugment._AUGMENTATION_SPACE.items():
        theirs = limits(31, *size)
        assert ours[name] == pytest.approx(0.0 if theirs is None else float(theirs[magnitude]), abs=1e-5)
        assert OPERATIONS[name].signed is signed


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("name", NAMES)
def test_every_operation_is_torchvisions(name, sign):
    if sign < 0 and not OPERATIONS[name].signed:
        return
    images, strength = photos(4, 3, 24, 37), sign * strengths(14, (24, 37))[name]
    numbers = torch.full((4,), NAMES.index(name))
    changed = apply_operations(channels_last(images), numbers, torch.full((4,), strength, dtype=torch.float64))
    for image, result in zip(images, changed, strict=True):
        given = image / 255 if name in FLOAT else image
        expected = THEIRS._apply_image_or_video_transform(
            given, name, strength, interpolation=THEIRS.interpolation, fill=THEIRS._fill
        )
        expected = expected * 255 if name in FLOAT else expected.float()
        torch.testing.assert_close(result, expected, atol=0.05, rtol=0)


def test_each_image_gets_two_operations_of_its_own():
    images, random = photos(40, 3, 20, 20), generator(0)
    together = rand_augment(images, context(40), 9)
    first, second = (random_operations(40, random, 9, (20, 20)) for _ in range(2))
    for i in range(0, 40, 7):
        alone = images[i : i + 1]
        for operations, chosen in (first, second):
            alone = apply_operations(alone, operations[i : i + 1], chosen[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone)


def test_operations_and_signs_are_uniform():
    operations, chosen = random_operations(28_000, generator(), 9, (32, 32))
    counts = operations.bincount(minlength=14)
    assert counts.min() > 1800 and counts.max() < 2200
    for number, operation in enumerate(OPERATIONS.values()):
        negative = float((chosen[operations == number] < 0).float().mean())
        assert negative == pytest.approx(0.5, abs=0.05) if operation.signed else negative == 0
