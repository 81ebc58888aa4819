"""Hiding a rectangle of each image, so that no single part of an object is all that counts."""

from __future__ import annotations

import torch
from torch import Tensor

from .colour import mean_colour
from .memory_format import is_channels_last, own, rows, take
from .context import Draw, pixels_of

_TRIES = 10


def cutout(images: Tensor, draw: Draw, amount: float) -> Tensor:
    """Hide a square of `amount` pixels a side (below 1: a share of the shorter side); DeVries and Taylor 2017.

    Its centre is anywhere, so part of it may lie outside. It gets the image's own mean colour: the paper's zero after
    normalisation is the data set's, which nothing but the data set knows.
    """
    boxes = draw_squares(images, draw.coin, pixels_of(amount, min(images.shape[2:])))
    pixels = own(images)
    return fill_(pixels, boxes, mean_colour(pixels))


def draw_squares(images: Tensor, coin: torch.Generator, side: int) -> Tensor:
    """Squares around centres anywhere in the image: top, bottom, left, right (the end not in it), int64 4 x N."""
    edges = []
    for size in images.shape[2:]:
        start = torch.randint(size, (len(images),), generator=coin) - side // 2
        edges += [start, start + side]
    return torch.stack(edges)


def erase(images: Tensor, draw: Draw, amount: float) -> Tensor:
    """Hide, in a share `amount` of the images, a rectangle behind noise (random erasing; Zhong et al. 2017, RE-R).

    As in the paper, its area is 2 to 40 % of the image's, its height over its width 0.3 to 1 / 0.3, and each of its
    values is drawn from 0..255. Its place is drawn once its size is known to fit, as in torchvision: the paper's own
    procedure draws both again until they fit, which favours small ones.
    """
    erased = (torch.rand(len(images), generator=draw.coin) < amount).nonzero()[:, 0]
    boxes = draw_rectangles(len(erased), images.shape[2:], draw.coin)
    _, c, h, w = images.shape
    noise = torch.randint(256, (len(erased), h, w, c), dtype=torch.uint8, generator=draw.coin)
    places = erased.to(images.device)
    pixels = own(images)
    chosen = fill_(take(pixels, places), boxes, noise.permute(0, 3, 1, 2).to(images.device, torch.float32))
    rows(pixels).index_copy_(0, places, rows(chosen))
    return pixels


def draw_rectangles(n: int, size: tuple[int, ...], coin: torch.Generator) -> Tensor:
    """Rectangles wholly inside: top, bottom, left, right (the end not in it), int64 4 x N.

    Ten sizes are drawn at once and the first that fits is taken. If none does (in long and thin images), it is empty.
    """
    h, w = size
    area = (0.02 + 0.38 * torch.rand(_TRIES, n, generator=coin, dtype=torch.float64)) * h * w
    ratio = 0.3 + (1 / 0.3 - 0.3) * torch.rand(_TRIES, n, generator=coin, dtype=torch.float64)
    high, wide = (area * ratio).sqrt().round().long(), (area / ratio).sqrt().round().long()
    fits = (high < h) & (wide < w)
    first = fits.long().argmax(0, keepdim=True)  # the first of equal ones
    fits, high, wide = (choice.gather(0, first)[0] for choice in (fits, high, wide))
    high, wide = high * fits, wide * fits
    corner = torch.rand(2, n, generator=coin, dtype=torch.float64)
    top, left = (corner[0] * (h - high + 1)).long(), (corner[1] * (w - wide + 1)).long()
    return torch.stack([top, top + high, left, left + wide])


def fill_(pixels: Tensor, boxes: Tensor, new: Tensor) -> Tensor:
    """Write `new` (N x C x H x W, or a colour N x C x 1 x 1) into the `boxes` (4 x N, on the CPU) of float pixels.

    Pixels N x C x H x W, channels-last or contiguous, are changed in place and given back.
    """
    h, w = pixels.shape[2:]
    top, bottom, left, right = boxes[:, :, None]
    y, x = torch.arange(h), torch.arange(w)
    inside = (y >= top) & (y < bottom), (x >= left) & (x < right)
    line, column = (part.to(pixels.device, torch.float32) for part in inside)
    # With a weight of exactly 0 or 1, lerp gives exactly one of the two; it is several times as fast as torch.where.
    if not is_channels_last(pixels):
        return pixels.lerp_(new, line[:, None, :, None] * column[:, None, None, :])
    lines = pixels.permute(0, 2, 3, 1).flatten(2)  # a view N x H x (W C), along which memory runs
    new = new.expand(-1, -1, -1, w).permute(0, 2, 3, 1).flatten(2)
    lines.lerp_(new, line[:, :, None] * column.repeat_interleave(pixels.shape[1], 1)[:, None, :])
    return pixels
