"""Changes of colour and light: each image by a factor of its own. All give float32 from 0 to 255."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .memory_format import an_image, is_channels_last, laid_out_like, own, rows
from .context import Draw, uniform

# Rec. 601 luma, as in Pillow and torchvision.
_LUMA = (0.2989, 0.587, 0.114)
# Of the RGB values (0..1) of ImageNet's pixels: the square roots of the covariance's eigenvalues, and its eigenvectors
# as columns, as they were published with fb.resnet.torch.
_SPREADS = (0.2175, 0.0188, 0.0045)
_AXES = ((-0.5675, 0.7192, 0.4009), (-0.5808, -0.0045, -0.8140), (-0.5836, -0.6948, 0.4203))


def brightness(images: Tensor, draw: Draw, amount: float) -> Tensor:
    """Multiply each image by a factor from 1 - `amount` to 1 + `amount`."""
    return adjust_brightness(images, draw_factors(len(images), draw.coin, amount))


def contrast(images: Tensor, draw: Draw, amount: float) -> Tensor:
    """Multiply each image's distance from its own mean gray by a factor from 1 - `amount` to 1 + `amount`."""
    return adjust_contrast(images, draw_factors(len(images), draw.coin, amount))


def saturation(images: Tensor, draw: Draw, amount: float) -> Tensor:
    """Multiply each pixel's distance from its own gray by a factor from 1 - `amount` to 1 + `amount`."""
    return adjust_saturation(images, draw_factors(len(images), draw.coin, amount))


def hue(images: Tensor, draw: Draw, amount: float) -> Tensor:
    """Turn the hue of each image by up to `amount` of the colour circle, either way."""
    return adjust_hue(images, amount * uniform(draw.coin, len(images)))


def lighting(images: Tensor, draw: Draw, amount: float) -> Tensor:
    """Shift each image's colour along the main axes of ImageNet's colours (Krizhevsky et al. 2012, section 4.1).

    By normal draws of standard deviation `amount` (the paper: 0.1) times the axes' spreads. Gray images are shifted
    as far as the first axis, which is nearly gray, would shift them.
    """
    alphas = amount * torch.randn(len(images), 3, generator=draw.coin, dtype=torch.float64)
    return add_colour(images, light(alphas, images.shape[1]))


def draw_factors(n: int, coin: torch.Generator, amount: float) -> Tensor:
    """Factors N, evenly from 1 - amount to 1 + amount."""
    return 1 + amount * uniform(coin, n)


def light(alphas: Tensor, channels: int) -> Tensor:
    """Colours N x C in pixel values from alphas N x 3: [p1 p2 p3] [a1 s1, a2 s2, a3 s3], the paper's formula."""
    along = 255 * alphas * alphas.new_tensor(_SPREADS)
    return along @ alphas.new_tensor(_AXES).T if channels == 3 else along[:, :1] / math.sqrt(3)


def add_colour(images: Tensor, colours: Tensor) -> Tensor:
    """Images plus a colour each (N x C, on the CPU)."""
    return own(images).add_(colours.to(images.device, torch.float32)[:, :, None, None]).clamp_(0, 255)


def adjust_brightness(images: Tensor, factors: Tensor) -> Tensor:
    """Each image times its factor (N, on the CPU)."""
    return own(images).mul_(an_image(factors, images)).clamp_(0, 255)


def adjust_contrast(images: Tensor, factors: Tensor) -> Tensor:
    """factor x image + (1 - factor) x its mean gray; factors N, on the CPU."""
    pixels, factor = own(images), an_image(factors, images)
    mean = gray(mean_colour(pixels))
    return pixels.mul_(factor).add_(mean * (1 - factor)).clamp_(0, 255)


def adjust_saturation(images: Tensor, factors: Tensor) -> Tensor:
    """factor x image + (1 - factor) x its gray version; factors N, on the CPU. Gray images stay as they are."""
    if images.shape[1] == 1:
        return images.float()
    factor = an_image(factors, images)
    pixels = images.to(torch.float32, memory_format=torch.contiguous_format)
    blended = torch.lerp(gray(pixels), pixels, factor).clamp_(0, 255)
    return laid_out_like(blended, images)


def adjust_hue(images: Tensor, turns: Tensor) -> Tensor:
    """Hue turned by a share of the circle each (N, on the CPU). Gray images stay as they are."""
    if images.shape[1] == 1:
        return images.float()
    pixels = images.to(torch.float32, memory_format=torch.contiguous_format)
    red, green, blue = pixels.unbind(1)
    most = torch.maximum(torch.maximum(red, green), blue)
    spread = most - torch.minimum(torch.minimum(red, green), blue)
    # Where on the circle, in sixths: from the strongest colour towards the stronger of the others.
    of_red = (most == red).float()
    of_green = (most == green).float() * (1 - of_red)
    of_blue = 1 - of_red - of_green
    place = (of_red * (green - blue)).addcmul_(of_green, blue - red).addcmul_(of_blue, red - green)
    place = place.div_(spread.clamp(min=1e-6)).add_(of_green, alpha=2).add_(of_blue, alpha=4)
    place += 6 * an_image(turns, images)[:, 0]
    # Back: each colour falls from the strongest value by the spread, along a trapezoid about the opposite colour.
    turned = torch.empty_like(pixels)
    for channel, start in enumerate((5, 3, 1)):
        k = place + start
        k.sub_(k.div(6).floor_(), alpha=6)  # the remainder, several times as fast as by its name
        fall = torch.minimum(k, 4 - k).clamp_(0, 1)
        torch.addcmul(most, fall, spread, value=-1, out=turned[:, channel])
    return laid_out_like(turned.clamp_(0, 255), images)


def mean_colour(pixels: Tensor) -> Tensor:
    """Float images N x C x H x W -> N x C x 1 x 1."""
    if not is_channels_last(pixels):
        return pixels.mean((2, 3), keepdim=True)
    # First over the lines, which lie one behind the other, then along the one that is left: twice as fast.
    n, c, h, w = pixels.shape
    return rows(pixels).view(n, h, w * c).mean(1).view(n, w, c).mean(1)[:, :, None, None]


def gray(images: Tensor) -> Tensor:
    """Float images N x C x H x W -> N x 1 x H x W, their luma."""
    if images.shape[1] == 1:
        return images
    red, green, blue = images.split(1, 1)
    return (_LUMA[0] * red).add_(green, alpha=_LUMA[1]).add_(blue, alpha=_LUMA[2])
