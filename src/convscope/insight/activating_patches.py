"""The patches of a data set that activate one channel most.

As in figure 2 of Zeiler and Fergus, *Visualizing and Understanding Convolutional Networks*, ECCV 2014: one patch per
image, the strongest first, each patch being the receptive field of the unit.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from .channels import check_channel
from .receptive_field import Box, field_of
from .tracing.graph import Trace
from .tracing.trace import trace


@dataclass(frozen=True)
class Patch:
    """The part of an image that activates a channel strongly.

    `image` counts through all batches; `position` is the unit's row and column (0, 0 for a vector), `value` its
    activation, `box` its receptive field, possibly beyond the edge of the image, and `pixels` (C x height x width) what
    is there, zero beyond the edge.
    """

    image: int
    position: tuple[int, int]
    value: float
    box: Box
    pixels: Tensor


def activating_patches(
    network: nn.Module, batches: Iterable[Tensor], layer: str, channel: int, count: int = 9
) -> list[Patch]:
    """Return patches of the `count` images in which `channel` of `layer` has the largest activations, strongest first.

    The batches are images N x C x H x W, all of one size. ValueError for an unknown layer or channel, or no images.

    >>> import torch
    >>> network = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 3, padding=1), torch.nn.Flatten())
    >>> len(activating_patches(network, [torch.rand(5, 1, 8, 8)], "0", 0, count=2))
    2
    """
    best: list[tuple[float, int, tuple[int, int], Tensor]] = []
    last: Trace | None = None
    seen = 0
    for images in batches:
        last = trace(network, images, keep=(layer,))
        check_channel(layer, last.node(layer).shape[0], channel)
        maps = last.output(layer)[:, channel]
        width = maps.shape[-1] if maps.ndim == 3 else 1
        values, units = maps.reshape(len(images), -1).max(1)
        for i, (value, unit) in enumerate(zip(values.tolist(), units.tolist(), strict=True)):
            # Of equal values the earlier image wins: the result does not depend on the size of the batches.
            entry = (value, -(seen + i), divmod(unit, width), images[i])
            if len(best) < count:
                heapq.heappush(best, entry)
            elif entry[:2] > best[0][:2]:
                heapq.heapreplace(best, entry)
        seen += len(images)
    if last is None:
        raise ValueError("no images: patches need at least one batch")
    patches = []
    for value, negative, position, image in sorted(best, key=lambda entry: entry[:2], reverse=True):
        box = field_of(last, layer, *position)
        patches.append(Patch(-negative, position, value, box, _crop(image, box)))
    return patches


def _crop(image: Tensor, box: Box) -> Tensor:
    """Return the part of an image C x H x W within `box`, zero where that lies outside of the image."""
    _, height, width = image.shape
    top, left, bottom, right = max(box.top, 0), max(box.left, 0), min(box.bottom, height), min(box.right, width)
    inside = image[:, top:bottom, left:right]
    edges = (left - box.left, box.right - right, top - box.top, box.bottom - bottom)
    return F.pad(inside, edges).cpu()
