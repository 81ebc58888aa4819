"""RandAugment: two random operations of the same magnitude per image (Cubuk et al. 2019, arXiv 1909.13719).

The 14 operations are TrivialAugment's, with torchvision's limits for RandAugment and magnitudes from 0 to 30. One
departure, as there: rotated and sheared images are interpolated bilinearly.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .context import BatchContext
from .trivial_augment import OPERATIONS, apply_operations

# Operations per image, as in the paper and in torchvision.
TIMES = 2
MAX_MAGNITUDE = 30


def rand_augment(images: Tensor, context: BatchContext, amount: float) -> Tensor:
    """Change each image by two of the 14 operations with magnitude `amount` (usually 9, at most 30)."""
    for _ in range(TIMES):
        operations = random_operations(len(images), context.generator, round(amount), images.shape[2:])
        images = apply_operations(images, *operations)
    return images


def random_operations(
    n: int, generator: torch.Generator, magnitude: int, size: tuple[int, ...]
) -> tuple[Tensor, Tensor]:
    """Sample for each of N images of height x width an operation (its index, int64 N) and its strength (float64 N)."""
    limits = strengths(magnitude, size)
    operations = torch.randint(len(limits), (n,), generator=generator)
    signs = torch.randint(2, (n,), generator=generator) * 2 - 1
    chosen = torch.tensor(list(limits.values()), dtype=torch.float64)[operations]
    signed = torch.tensor([OPERATIONS[name].signed for name in limits])[operations]
    return operations, torch.where(signed, chosen * signs, chosen)


def strengths(magnitude: int, size: tuple[int, ...]) -> dict[str, float]:
    """Return each operation's strength, without its sign, at a magnitude (0..30) for images of height x width."""
    height, width = size
    share = magnitude / MAX_MAGNITUDE
    known = {
        "ShearX": 0.3 * share,
        "ShearY": 0.3 * share,
        "TranslateX": 150 / 331 * width * share,
        "TranslateY": 150 / 331 * height * share,
        "Rotate": 30 * share,
        "Brightness": 0.9 * share,
        "Color": 0.9 * share,
        "Contrast": 0.9 * share,
        "Sharpness": 0.9 * share,
        "Posterize": 8 - round(4 * share),
        "Solarize": 1 - share,
    }
    return {name: known.get(name, 0.0) for name in OPERATIONS}
