"""Random erasing and cutout: hide a rectangle of each image, so that the network learns not to rely on one part."""

from __future__ import annotations

import torch
from torch import Tensor

from .colour import mean_colour
from .context import BatchContext, in_pixels
from .memory_format import float_copy, is_channels_last, rows, take

# Sizes that are sampled, of which the first that fits is used.
_TRIES = 10
# Smallest and largest share of the image's area, and smallest ratio of height to width, of an erased rectangle.
_AREA, _RATIO = (0.02, 0.4), 0.3


def cutout(images: Tensor, context: BatchContext, amount: float) -> Tensor:
    """Hide a square with a side of `amount` pixels (below 1: a share of the shorter side); DeVries and Taylor 2017.

    Its centre is anywhere, so part of it may lie outside. It is filled with the image's own mean colour: the paper's
    zero after normalisation is the data set's mean, which is not known here.
    """
    boxes = random_squares(images, context.generator, in_pixels(amount, min(images.shape[2:])))
    pixels = float_copy(images)
    return fill_(pixels, boxes, mean_colour(pixels))


def random_squares(images: Tensor, generator: torch.Generator, side: int) -> Tensor:
    """Sample squares with centres anywhere in the image: top, bottom, left, right (ends exclusive), int64 4 x N."""
    edges = []
    for size in images.shape[2:]:
        start = torch.randint(size, (len(images),), generator=generator) - side // 2
        edges += [start, start + side]
    return torch.stack(edges)


def erase(images: Tensor, context: BatchContext, amount: float) -> Tensor:
    """Cover a rectangle with noise in a share `amount` of the images (random erasing; Zhong et al. 2017, RE-R).

    As in the paper, its area is 2 to 40 % of the image's, the ratio of height to width 0.3 to 1 / 0.3, and each of its
    values is uniform in 0..255. Its position is sampled once its size is known to fit, as in torchvision; the paper
    samples both again until they fit, which favours small rectangles.
    """
    erased = (torch.rand(len(images), generator=context.generator) < amount).nonzero()[:, 0]
    boxes = random_rectangles(len(erased), images.shape[2:], context.generator)
    _, c, h, w = images.shape
    noise = torch.randint(256, (len(erased), h, w, c), dtype=torch.uint8, generator=context.generator)
    indices = erased.to(images.device)
    pixels = float_copy(images)
    covered = fill_(take(pixels, indices), boxes, noise.permute(0, 3, 1, 2).to(images.device, torch.float32))
    rows(pixels).index_copy_(0, indices, rows(covered))
    return pixels


def random_rectangles(n: int, size: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Sample rectangles inside images of height x width: top, bottom, left, right (ends exclusive), int64 4 x N.

    Ten sizes are sampled at once and the first that fits is used. If none does (in long and thin images), the rectangle
    is empty.
    """
    h, w = size
    share = _AREA[0] + (_AREA[1] - _AREA[0]) * torch.rand(_TRIES, n, generator=generator, dtype=torch.float64)
    ratio = _RATIO + (1 / _RATIO - _RATIO) * torch.rand(_TRIES, n, generator=generator, dtype=torch.float64)
    area = share * h * w
    heights, widths = (area * ratio).sqrt().round().long(), (area / ratio).sqrt().round().long()
    fits = (heights < h) & (widths < w)
    first = fits.long().argmax(0, keepdim=True)  # argmax returns the first of equal values
    fits, height, width = (choice.gather(0, first)[0] for choice in (fits, heights, widths))
    height, width = height * fits, width * fits
    corner = torch.rand(2, n, generator=generator, dtype=torch.float64)
    top, left = (corner[0] * (h - height + 1)).long(), (corner[1] * (w - width + 1)).long()
    return torch.stack([top, top + height, left, left + width])


def fill_(pixels: Tensor, boxes: Tensor, new: Tensor) -> Tensor:
    """Write `new` (N x C x H x W, or a colour N x C x 1 x 1) into the `boxes` (4 x N, on the CPU) of float pixels.

    Pixels N x C x H x W, channels-last or contiguous, are changed in place and returned.
    """
    h, w = pixels.shape[2:]
    top, bottom, left, right = boxes[:, :, None]
    y, x = torch.arange(h), torch.arange(w)
    inside = (y >= top) & (y < bottom), (x >= left) & (x < right)
    line, column = (part.to(pixels.device, torch.float32) for part in inside)
    # With a weight of exactly 0 or 1, lerp returns exactly one of the two, several times as fast as torch.where.
    if not is_channels_last(pixels):
        return pixels.lerp_(new, line[:, None, :, None] * column[:, None, None, :])
    lines = pixels.permute(0, 2, 3, 1).flatten(2)  # a view N x H x (W C), in the order of memory
    new = new.expand(-1, -1, -1, w).permute(0, 2, 3, 1).flatten(2)
    lines.lerp_(new, line[:, :, None] * column.repeat_interleave(pixels.shape[1], 1)[:, None, :])
    return pixels
