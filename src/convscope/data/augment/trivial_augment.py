"""TrivialAugment: one random operation of random strength per image (Müller and Hutter 2021, arXiv 2103.10158).

The paper's "wide" space with torchvision's numbers: 14 operations of 31 strengths each. One departure: rotated and
sheared images are interpolated bilinearly, where the paper's code takes the nearest pixel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .affine_elastic import rotation, warp_affine
from .colour import adjust_brightness, adjust_contrast, adjust_saturation
from .context import BatchContext
from .memory_format import float_copy, in_format_of, per_image, rows, take


def trivial_augment(images: Tensor, context: BatchContext) -> Tensor:
    """Change each image by one of the 14 operations; what comes in from outside is black."""
    return apply_operations(images, *random_operations(len(images), context.generator))


def random_operations(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Sample for each of N images the index of an operation (int64 N) and its strength (float64 N)."""
    operations = torch.randint(len(OPERATIONS), (n,), generator=generator)
    levels = torch.randint(_LEVELS, (n,), generator=generator)
    signs = torch.randint(2, (n,), generator=generator) * 2 - 1
    strengths = torch.stack([operation.strengths for operation in OPERATIONS.values()]).double()[operations, levels]
    signed = torch.tensor([operation.signed for operation in OPERATIONS.values()])[operations]
    return operations, torch.where(signed, strengths * signs, strengths)


def apply_operations(images: Tensor, operations: Tensor, strengths: Tensor) -> Tensor:
    """Change each image by its operation (an index, int64 N) and strength (N), both on the CPU; float32."""
    changed = float_copy(images)
    for number, operation in enumerate(OPERATIONS.values()):
        chosen = (operations == number).nonzero()[:, 0]
        if len(chosen) and operation.function is not None:
            indices = chosen.to(images.device)
            new = operation.function(take(images, indices), strengths[chosen])
            rows(changed).index_copy_(0, indices, rows(in_format_of(images, new)))
    return changed


def shear_x(images: Tensor, strengths: Tensor) -> Tensor:
    """Shift each line to the left by `strengths` (N) times its distance from the upper edge."""
    return _linear(images, 0, 1, strengths, strengths * images.shape[2] / 2)


def shear_y(images: Tensor, strengths: Tensor) -> Tensor:
    """Shift each column up by `strengths` (N) times its distance from the left edge."""
    return _linear(images, 1, 0, strengths, strengths * images.shape[3] / 2)


def translate_x(images: Tensor, strengths: Tensor) -> Tensor:
    """Shift to the right by `strengths` (N) pixels, rounded towards 0."""
    return _linear(images, 0, 1, torch.zeros_like(strengths), -strengths.trunc())


def translate_y(images: Tensor, strengths: Tensor) -> Tensor:
    """Shift down by `strengths` (N) pixels, rounded towards 0."""
    return _linear(images, 1, 0, torch.zeros_like(strengths), -strengths.trunc())


def _linear(images: Tensor, row: int, column: int, slopes: Tensor, offsets: Tensor) -> Tensor:
    matrices = torch.eye(2, 3, dtype=torch.float64).repeat(len(images), 1, 1)
    matrices[:, row, column], matrices[:, row, 2] = slopes, offsets
    return warp_affine(images, matrices, black=True)


def rotate_black(images: Tensor, strengths: Tensor) -> Tensor:
    """Rotate by `strengths` (N) degrees counter-clockwise."""
    return warp_affine(images, rotation(strengths.deg2rad()), black=True)


def sharpness(images: Tensor, strengths: Tensor) -> Tensor:
    """Return (1 + strength) x image - strength x its blur by [1 1 1; 1 5 1; 1 1 1] / 13; edge pixels stay."""
    pixels = float_copy(images)
    if min(images.shape[2:]) > 2:
        inner = pixels[:, :, 1:-1, 1:-1]
        # Average pooling rather than a convolution, which some GPUs compute with ten bits of precision (TF32).
        blurred = (9 * F.avg_pool2d(pixels, 3, stride=1) + 4 * inner) / 13
        inner.lerp_(blurred, per_image(-strengths, images))
    return pixels.clamp_(0, 255)


def posterize(images: Tensor, strengths: Tensor) -> Tensor:
    """Keep the `strengths` (N) highest bits of each value."""
    step = per_image(2 ** (8 - strengths), images)
    return float_copy(images).div_(step).floor_().mul_(step)


def solarize(images: Tensor, strengths: Tensor) -> Tensor:
    """Invert the values that are at least `strengths` (N) x 255."""
    pixels = images.float()
    return torch.where(pixels >= per_image(255 * strengths, images), 255 - pixels, pixels)


def autocontrast(images: Tensor, strengths: Tensor) -> Tensor:
    """Stretch each channel to 0..255; a channel with only one value stays."""
    pixels = images.float()
    low, high = pixels.amin((2, 3), keepdim=True), pixels.amax((2, 3), keepdim=True)
    flat = low == high
    return (pixels - low.masked_fill(flat, 0)).mul_(255 / (high - low).masked_fill_(flat, 255)).clamp_(0, 255)


def equalize(images: Tensor, strengths: Tensor) -> Tensor:
    """Equalise the histogram of each channel by Pillow's procedure; a channel with only one value stays."""
    n, c, h, w = images.shape
    values = images.round().long().reshape(n, c, h * w)
    counts = values.new_zeros(n, c, 256).scatter_add_(2, values, torch.ones_like(values))
    below = counts.cumsum(2) - counts
    # Pillow's step: the number of pixels below the highest value, divided by 255.
    last = counts.gather(2, values.amax(2, keepdim=True))
    step = (h * w - last).div(255, rounding_mode="floor")
    table = (below + step // 2).div(step.clamp(min=1), rounding_mode="floor").clamp_(max=255)
    table = torch.where(step > 0, table, torch.arange(256, device=images.device))
    return table.gather(2, values).view(n, c, h, w).float()


class Operation(NamedTuple):
    """A function of images and strengths (None: no change), its 31 strengths, and whether their sign is random."""

    function: Callable[[Tensor, Tensor], Tensor] | None
    strengths: Tensor
    signed: bool


_LEVELS = 31
_NONE = torch.zeros(_LEVELS)
_TO_1 = torch.linspace(0, 0.99, _LEVELS)
_BITS = (8 - torch.arange(_LEVELS) / ((_LEVELS - 1) / 6)).round()
OPERATIONS = {
    "Identity": Operation(None, _NONE, False),
    "ShearX": Operation(shear_x, _TO_1, True),
    "ShearY": Operation(shear_y, _TO_1, True),
    "TranslateX": Operation(translate_x, torch.linspace(0, 32, _LEVELS), True),
    "TranslateY": Operation(translate_y, torch.linspace(0, 32, _LEVELS), True),
    "Rotate": Operation(rotate_black, torch.linspace(0, 135, _LEVELS), True),
    "Brightness": Operation(lambda images, strengths: adjust_brightness(images, 1 + strengths), _TO_1, True),
    "Color": Operation(lambda images, strengths: adjust_saturation(images, 1 + strengths), _TO_1, True),
    "Contrast": Operation(lambda images, strengths: adjust_contrast(images, 1 + strengths), _TO_1, True),
    "Sharpness": Operation(sharpness, _TO_1, True),
    "Posterize": Operation(posterize, _BITS, False),
    "Solarize": Operation(solarize, torch.linspace(1, 0, _LEVELS), False),
    "AutoContrast": Operation(autocontrast, _NONE, False),
    "Equalize": Operation(equalize, _NONE, False),
}
