"""Test-time augmentation: a network's answer for an image as the mean of its answers for several views of it.

It costs as many times the computation as there are views, so it is asked for, and its figures are told apart.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Views = Callable[[Tensor], list[Tensor]]
CROP = 7 / 8


def flipped(images: Tensor) -> list[Tensor]:
    """The images N x C x H x W and their mirror images: for photos."""
    return [images, images.flip(3)]


def shifted(images: Tensor) -> list[Tensor]:
    """The images and each moved by one pixel up, down, left and right, edges repeated: for digits."""
    height, width = images.shape[2:]
    padded = F.pad(images, (1, 1, 1, 1), mode="replicate")
    corners = [(1, 1), (0, 1), (2, 1), (1, 0), (1, 2)]
    return [padded[:, :, top : top + height, left : left + width] for top, left in corners]


def flipped_and_shifted(images: Tensor) -> list[Tensor]:
    """All of those: ten views."""
    return [view for each in flipped(images) for view in shifted(each)]


def five_crops(images: Tensor) -> list[Tensor]:
    """The four corners and the middle, seven eighths of each side, enlarged to the size of the images: for photos.

    Krizhevsky et al. 2012 took 224 of 256 pixels, which is the same share.
    """
    height, width = images.shape[2:]
    high, wide = max(round(height * CROP), 1), max(round(width * CROP), 1)
    corners = [(0, 0), (0, width - wide), (height - high, 0), (height - high, width - wide)]
    corners.append((round((height - high) / 2), round((width - wide) / 2)))
    cuts = torch.cat([images[:, :, top : top + high, left : left + wide] for top, left in corners])
    return list(F.interpolate(cuts, (height, width), mode="bilinear", align_corners=False).chunk(5))


def ten_crops(images: Tensor) -> list[Tensor]:
    """Those and their mirror images."""
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
    """Logits N x classes, the mean over the views: the geometric mean of their probabilities, up to a factor."""
    if views is None:
        return network(images).float()
    answers = [network(view).float() for view in views(images)]
    mean = answers[0] / len(answers)
    for answer in answers[1:]:
        mean += answer / len(answers)
    return mean
