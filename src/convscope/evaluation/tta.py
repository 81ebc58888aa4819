"""Test-time augmentation: the mean of a network's logits over several views of each image.

It multiplies the computation by the number of views, so it is used on request only and its figures are kept apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..data.preprocess import Preprocess

Views = Callable[[Tensor], list[Tensor]]
CROP = 7 / 8


def flipped(images: Tensor) -> list[Tensor]:
    """Return the images N x C x H x W and their mirror images: for photos."""
    return [images, images.flip(3)]


def shifted(images: Tensor) -> list[Tensor]:
    """Return the images and the same shifted by one pixel up, down, left and right, edges repeated: for digits."""
    height, width = images.shape[2:]
    padded = F.pad(images, (1, 1, 1, 1), mode="replicate")
    corners = [(1, 1), (0, 1), (2, 1), (1, 0), (1, 2)]
    return [padded[:, :, top : top + height, left : left + width] for top, left in corners]


def flipped_and_shifted(images: Tensor) -> list[Tensor]:
    """Return the images and their mirror images, each shifted as in `shifted`: ten views."""
    return [view for each in flipped(images) for view in shifted(each)]


def frame_for(name: str, preprocess: Preprocess) -> Preprocess | None:
    """Return how to decode the images for these views if they need more of a picture than the network's input.

    That is so for the crops of a classifier whose input is the centre of a larger frame.
    """
    return preprocess.frame if name in ("five-crop", "ten-crop") else None


def views_of(name: str, preprocess: Preprocess) -> Views | None:
    """Return the views by name (None for "none"), of images that are decoded by `frame_for` if it gives something."""
    if frame_for(name, preprocess) is None:
        return VIEWS[name]
    corners = partial(corner_crops, size=preprocess.input_size[1:])
    return corners if name == "five-crop" else lambda images: [v for each in corners(images) for v in flipped(each)]


def corner_crops(images: Tensor, size: Sequence[int]) -> list[Tensor]:
    """Return the crops of `size` (height, width) in the four corners and in the centre, not resized."""
    height, width = images.shape[2:]
    high, wide = size
    corners = [(0, 0), (0, width - wide), (height - high, 0), (height - high, width - wide)]
    corners.append((round((height - high) / 2), round((width - wide) / 2)))
    return [images[:, :, top : top + high, left : left + wide] for top, left in corners]


def five_crops(images: Tensor) -> list[Tensor]:
    """Return the corner crops and the centre crop, 7/8 of each side, resized to the size of the images: for photos.

    Krizhevsky et al. 2012 used 224 of 256 pixels, which is the same share, of a larger frame (see `views_of`).
    """
    height, width = images.shape[2:]
    high, wide = max(round(height * CROP), 1), max(round(width * CROP), 1)
    cuts = torch.cat(corner_crops(images, (high, wide)))
    return list(F.interpolate(cuts, (height, width), mode="bilinear", align_corners=False).chunk(5))


def ten_crops(images: Tensor) -> list[Tensor]:
    """Return the crops of `five_crops` and their mirror images."""
    return [view for each in five_crops(images) for view in flipped(each)]


VIEWS: dict[str, Views | None] = {
    "none": None,
    "flip": flipped,
    "shift": shifted,
    "flip-shift": flipped_and_shifted,
    "five-crop": five_crops,
    "ten-crop": ten_crops,
}


def mean_logits(network: nn.Module, images: Tensor, views: Views | None = None) -> Tensor:
    """Return the mean logits N x classes over the views, the logarithm of their geometric mean up to a constant."""
    if views is None:
        return network(images).float()
    logits = [network(view).float() for view in views(images)]
    mean = logits[0] / len(logits)
    for other in logits[1:]:
        mean += other / len(logits)
    return mean
