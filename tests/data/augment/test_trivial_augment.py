"""TrivialAugment against torchvision's TrivialAugmentWide, operation by operation and strength by strength."""

from __future__ import annotations

import pytest
import torch
from torchvision.transforms.v2 import InterpolationMode, TrivialAugmentWide

from convscope.data.augment.trivial_augment import OPERATIONS, apply_operations, random_operations, trivial_augment

from .images import channels_last, context, generator, noise, photos

THEIRS = TrivialAugmentWide(interpolation=InterpolationMode.BILINEAR)
NAMES = list(OPERATIONS)
# With uint8 images, torchvision rounds these operations by rules of its own, so it gets float images from 0 to 1.
FLOAT = set(NAMES) - {"Posterize", "Solarize", "Equalize"}


@pytest.mark.parametrize("shape", [(31, 1, 28, 28), (31, 3, 24, 37), (31, 3, 2, 3)], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_every_operation_is_torchvisions(name, shape):
    operation = OPERATIONS[name]
    images = photos(*shape)
    images[:5], images[5], images[6, -1] = noise((5, *shape[1:])), 90, 255
    for sign in (1, -1) if operation.signed else (1,):
        strengths = sign * operation.strengths.double()
        changed = apply_operations(channels_last(images), torch.full((31,), NAMES.index(name)), strengths)
        for image, strength, result in zip(images, strengths.tolist(), changed, strict=True):
            given = image / 255 if name in FLOAT else image
            expected = THEIRS._apply_image_or_video_transform(
                given, name, strength, interpolation=THEIRS.interpolation, fill=THEIRS._fill
            )
            expected = expected * 255 if name in FLOAT else expected.float()
            torch.testing.assert_close(result, expected, atol=0.05, rtol=0)


def test_the_space_is_torchvisions():
    assert set(TrivialAugmentWide._AUGMENTATION_SPACE) == set(NAMES)
    for name, (strengths, signed) in TrivialAugmentWide._AUGMENTATION_SPACE.items():
        theirs = strengths(31, 32, 32)
        assert OPERATIONS[name].signed is signed
        assert torch.equal(OPERATIONS[name].strengths, torch.zeros(31) if theirs is None else theirs.float())


def test_operations_strengths_and_signs_are_uniform():
    operations, strengths = random_operations(28_000, generator())
    assert operations.bincount(minlength=14).min() > 1800 and operations.bincount().max() < 2200
    for number, operation in enumerate(OPERATIONS.values()):
        chosen = strengths[operations == number]
        values, counts = chosen.abs().unique(return_counts=True)
        assert torch.equal(values.float(), operation.strengths.abs().unique())
        if len(values) == 31:
            assert counts.min() > 30 and counts.max() < 110
        negative = float((chosen < 0).float().mean())
        assert negative == pytest.approx(0.5 * 30 / 31, abs=0.06) if operation.signed else negative == 0


def test_each_image_gets_its_own_operation():
    images = photos(60, 3, 20, 20)
    operations, strengths = random_operations(60, generator(0))
    together = trivial_augment(images, context(60))
    for i in range(60):
        alone = apply_operations(images[i : i + 1], operations[i : i + 1], strengths[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone)
    assert len(operations.unique()) > 10
