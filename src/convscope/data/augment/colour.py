"""Change brightness, contrast, saturation, hue and lighting of each image by its own random factor.

All return float32 from 0 to 255.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .context import BatchContext, uniform
from .memory_format import float_copy, in_format_of, is_channels_last, per_image, rows

# Rec. 601 luma, as in Pillow and torchvision.
_LUMA = (0.2989, 0.587, 0.114)
# The principal components of the RGB values (0..1) of ImageNet's pixels, as published with fb.resnet.torch: square
# roots of the covariance's eigenvalues, and its eigenvectors as columns.
_DEVIATIONS = (0.2175, 0.0188, 0.0045)
_COMPONENTS = ((-0.5675, 0.7192, 0.4009), (-0.5808, -0.0045, -0.8140), (-0.5836, -0.6948, 0.4203))


def brightness(images: Tensor, context: BatchContext, amount: float) -> Tensor:
    """Multiply each image by a factor from 1 - `amount` to 1 + `amount`."""
    return adjust_brightness(images, random_factors(len(images), context.generator, amount))


def contrast(images: Tensor, context: BatchContext, amount: float) -> Tensor:
    """Multiply each image's difference from its mean gray by a factor from 1 - `amount` to 1 + `amount`."""
    return adjust_contrast(images, random_factors(len(images), context.generator, amount))


def saturation(images: Tensor, context: BatchContext, amount: float) -> Tensor:
    """Multiply each pixel's difference from its gray by a factor from 1 - `amount` to 1 + `amount`."""
    return adjust_saturation(images, random_factors(len(images), context.generator, amount))


def hue(images: Tensor, context: BatchContext, amount: float) -> Tensor:
    """Rotate the hue of each image by up to `amount` of the colour circle in either direction."""
    return adjust_hue(images, amount * uniform(context.generator, len(images)))


def lighting(images: Tensor, context: BatchContext, amount: float) -> Tensor:
    """Shift each image's colour along the principal components of ImageNet (Krizhevsky et al. 2012, section 4.1).

    By normal random numbers of standard deviation `amount` (the paper: 0.1) times the components' deviations. Gray
    images are shifted by the length of the shift along the first component, which is nearly gray.
    """
    alphas = amount * torch.randn(len(images), 3, generator=context.generator, dtype=torch.float64)
    return add_colour(images, lighting_shifts(alphas, images.shape[1]))


def random_factors(n: int, generator: torch.Generator, amount: float) -> Tensor:
    """Sample N factors uniformly from 1 - amount to 1 + amount."""
    return 1 + amount * uniform(generator, n)


def lighting_shifts(alphas: Tensor, channels: int) -> Tensor:
    """Return shifts N x C in pixel values from alphas N x 3: the paper's [p1 p2 p3] [a1 s1, a2 s2, a3 s3]."""
    along = 255 * alphas * alphas.new_tensor(_DEVIATIONS)
    return along @ alphas.new_tensor(_COMPONENTS).T if channels == 3 else along[:, :1] / math.sqrt(3)


def add_colour(images: Tensor, colours: Tensor) -> Tensor:
    """Add a colour to each image (N x C, on the CPU)."""
    return float_copy(images).add_(colours.to(images.device, torch.float32)[:, :, None, None]).clamp_(0, 255)


def adjust_brightness(images: Tensor, factors: Tensor) -> Tensor:
    """Multiply each image by its factor (N, on the CPU)."""
    return float_copy(images).mul_(per_image(factors, images)).clamp_(0, 255)


def adjust_contrast(images: Tensor, factors: Tensor) -> Tensor:
    """Return factor x image + (1 - factor) x its mean gray; factors N, on the CPU."""
    pixels, factor = float_copy(images), per_image(factors, images)
    mean = gray(mean_colour(pixels))
    return pixels.mul_(factor).add_(mean * (1 - factor)).clamp_(0, 255)


def adjust_saturation(images: Tensor, factors: Tensor) -> Tensor:
    """Return factor x image + (1 - factor) x its gray version; factors N, on the CPU. Gray images are not changed."""
    if images.shape[1] == 1:
        return images.float()
    factor = per_image(factors, images)
    pixels = images.to(torch.float32, memory_format=torch.contiguous_format)
    blended = torch.lerp(gray(pixels), pixels, factor).clamp_(0, 255)
    return in_format_of(images, blended)


def adjust_hue(images: Tensor, shifts: Tensor) -> Tensor:
    """Rotate the hue of each image by a share of the colour circle (N, on the CPU). Gray images are not changed."""
    if images.shape[1] == 1:
        return images.float()
    pixels = images.to(torch.float32, memory_format=torch.contiguous_format)
    red, green, blue = pixels.unbind(1)
    value = torch.maximum(torch.maximum(red, green), blue)
    chroma = value - torch.minimum(torch.minimum(red, green), blue)
    # Hue in sixths of the circle: from the strongest colour towards the stronger of the other two.
    is_red = (value == red).float()
    is_green = (value == green).float() * (1 - is_red)
    is_blue = 1 - is_red - is_green
    hues = (is_red * (green - blue)).addcmul_(is_green, blue - red).addcmul_(is_blue, red - green)
    hues = hues.div_(chroma.clamp(min=1e-6)).add_(is_green, alpha=2).add_(is_blue, alpha=4)
    hues += 6 * per_image(shifts, images)[:, 0]
    # Back to RGB: each channel is the value less the chroma times a trapezoid around the opposite hue.
    result = torch.empty_like(pixels)
    for channel, start in enumerate((5, 3, 1)):
        k = hues + start
        k.sub_(k.div(6).floor_(), alpha=6)  # the remainder, several times as fast as `remainder_`
        share = torch.minimum(k, 4 - k).clamp_(0, 1)
        torch.addcmul(value, share, chroma, value=-1, out=result[:, channel])
    return in_format_of(images, result.clamp_(0, 255))


def mean_colour(pixels: Tensor) -> Tensor:
    """Return the mean colours N x C x 1 x 1 of float images N x C x H x W."""
    if not is_channels_last(pixels):
        return pixels.mean((2, 3), keepdim=True)
    # First over the lines, which are contiguous, then along the one that is left: twice as fast.
    n, c, h, w = pixels.shape
    return rows(pixels).view(n, h, w * c).mean(1).view(n, w, c).mean(1)[:, :, None, None]


def gray(images: Tensor) -> Tensor:
    """Return the luma N x 1 x H x W of float images N x C x H x W."""
    if images.shape[1] == 1:
        return images
    red, green, blue = images.split(1, 1)
    return (_LUMA[0] * red).add_(green, alpha=_LUMA[1]).add_(blue, alpha=_LUMA[2])
