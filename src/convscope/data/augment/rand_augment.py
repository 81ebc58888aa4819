"""RandAugment: two random operations of one strength an image (Cubuk et al. 2019, arXiv 1909.13719).

The operations are TrivialAugment's, with torchvision's limits for RandAugment: 14 of them, magnitudes from 0 to 30.
The same departure: turned and sheared images are read bilinearly.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .context import Draw
from .trivial_augment import OPERATIONS, apply_trivial

# Operations an image, as in the paper and in torchvision.
TIMES = 2
MOST = 30


def rand_augment(images: Tensor, draw: Draw, amount: float) -> Tensor:
    """Change each image by two of the 14 operations, of magnitude `amount` (9 is usual, 30 the most)."""
    for _ in range(TIMES):
        images = apply_trivial(images, *draw_rand(len(images), draw.coin, round(amount), images.shape[2:]))
    return images


def draw_rand(n: int, coin: torch.Generator, magnitude: int, size: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """For each image of this size, the number of an operation (int64 N) and its strength (float64 N)."""
    limits = strengths(magnitude, size)
    operations = torch.randint(len(limits), (n,), generator=coin)
    signs = torch.randint(2, (n,), generator=coin) * 2 - 1
    drawn = torch.tensor(list(limits.values()), dtype=torch.float64)[operations]
    signed = torch.tensor([OPERATIONS[name].signed for name in limits])[operations]
    return operations, torch.where(signed, drawn * signs, drawn)


def strengths(magnitude: int, size: tuple[int, ...]) -> dict[str, float]:
    """Each operation's strength at this magnitude (0..30) for images of height x width, but for the sign."""
    height, width = size
    share = magnitude / MOST
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
