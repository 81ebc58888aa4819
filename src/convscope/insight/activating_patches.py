"""What one channel looks for: the patches of a data set that excite it most.

As in figure 2 of Zeiler and Fergus 2014: one patch an image, the strongest images first, each patch being all that the
unit can see.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from .attribution.deconvnet import check_channel
from .receptive_field import Box, field_of
from .tracing.graph import Trace
from .tracing.trace import trace


@dataclass(frozen=True)
class Patch:
    """One place where a channel answers strongly.

    `image` counts through all batches; `position` is the unit's row and column (0, 0 for a vector), `value` its
    activation, `box` what it sees of the image, possibly beyond its edge,
    and `pixels` (C x height x width) what is there, zero beyond the edge.
    """

    image: int
    position: tuple[int, int]
    value: float
    box: Box
    pixels: Tensor


def activating_patches(
    network: nn.Module, batches: Iterable[Tensor], layer: str, channel: int, count: int = 9
) -> list[Patch]:
    """The `count` images whose strongest activation of `channel` in `layer` is largest, strongest first.

    batches of images N x C x H x W, all of one size. ValueError for an unknown layer or channel, or no images.
    """
    best: list[tuple[float, int, tuple[int, int], Tensor]] = []
    seen: Trace | None = None
    number = 0
    for images in batches:
        seen = trace(network, images, keep=(layer,))
        check_channel(layer, seen.node(layer).shape[0], channel)
        maps = seen.output(layer)[:, channel]
        width = maps.shape[-1] if maps.ndim == 3 else 1
        values, places = maps.reshape(len(images), -1).max(1)
        for i, (value, place) in enumerate(zip(values.tolist(), places.tolist(), strict=True)):
            # The smaller number wins between equals: the result does not depend on the size of the batches.
            entry = (value, -(number + i), divmod(place, width), images[i])
            if len(best) < count:
                heapq.heappush(best, entry)
            elif entry[:2] > best[0][:2]:
                heapq.heapreplace(best, entry)
        number += len(images)
    if seen is None:
        raise ValueError("no images: patches need at least one batch")
    patches = []
    for value, negative, position, image in sorted(best, key=lambda entry: entry[:2], reverse=True):
        box = field_of(seen, layer, *position)
        patches.append(Patch(-negative, position, value, box, _cut(image, box)))
    return patches


def _cut(image: Tensor, box: Box) -> Tensor:
    """The part of an image C x H x W within `box`, zero where that lies outside of the image."""
    _, height, width = image.shape
    top, left, bottom, right = max(box.top, 0), max(box.left, 0), min(box.bottom, height), min(box.right, width)
    inside = image[:, top:bottom, left:right]
    edges = (left - box.left, box.right - right, top - box.top, box.bottom - bottom)
    return F.pad(inside, edges).cpu()
