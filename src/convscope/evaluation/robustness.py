"""Robustness: the accuracy on the same images blurred, noisy, darker, paler, turned or compressed, more and more.

The images are disturbed as the network gets them, at the size of its input. Lengths are in shares of that size, so that
a strength means the same at any size. The noise of an image depends on its place alone: not on batches, not on workers.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from ..data.decoded import Decoded
from ..data.decoding.pixels import pixel_batches
from ..data.preprocess import Preprocess
from ..pictures import batch_size_for
from ..prediction import logits_of
from .proportion import wilson_interval

# More images than this are not disturbed: some, evenly spaced, tell the same.
MOST_IMAGES = 2000
Disturb = Callable[[Tensor, float, Tensor], Tensor]


def blurred(pixels: Tensor, share: float, places: Tensor) -> Tensor:
    """Blur with a Gaussian whose standard deviation is `share` of the shorter side, edges repeated."""
    sigma = share * min(pixels.shape[2:])
    reach = max(math.ceil(3 * sigma), 1)
    offsets = torch.arange(-reach, reach + 1, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = kernel / kernel.sum()
    channels = pixels.shape[1]
    images = F.pad(pixels.float(), (reach,) * 4, mode="replicate")
    images = F.conv2d(images, kernel.view(1, 1, 1, -1).repeat(channels, 1, 1, 1), groups=channels)
    images = F.conv2d(images, kernel.view(1, 1, -1, 1).repeat(channels, 1, 1, 1), groups=channels)
    return _as_pixels(images)


def noisy(pixels: Tensor, share: float, places: Tensor) -> Tensor:
    """Add Gaussian noise whose standard deviation is `share` of white; each image has its own by its place."""
    noise = [torch.randn(pixels.shape[1:], generator=torch.Generator().manual_seed(place)) for place in places.tolist()]
    return _as_pixels(pixels.float() + 255 * share * torch.stack(noise))


def brighter(pixels: Tensor, factor: float, places: Tensor) -> Tensor:
    """Multiply the values, as a longer or shorter exposure does."""
    return _as_pixels(pixels.float() * factor)


def paler(pixels: Tensor, factor: float, places: Tensor) -> Tensor:
    """Keep `factor` of each value's distance from the image's mean."""
    images = pixels.float()
    mean = images.mean((1, 2, 3), keepdim=True)
    return _as_pixels(mean + factor * (images - mean))


def turned(pixels: Tensor, degrees: float, places: Tensor) -> Tensor:
    """Turn counter-clockwise about the centre, bilinear, edges repeated."""
    height, width = pixels.shape[2:]
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    # In units of half a side, of which the two sides have different ones.
    grid = torch.tensor([[c, -s * height / width, 0], [s * width / height, c, 0]])
    places_in_input = F.affine_grid(grid.expand(len(pixels), 2, 3), list(pixels.shape), align_corners=False)
    return _as_pixels(F.grid_sample(pixels.float(), places_in_input, padding_mode="border", align_corners=False))


def compressed(pixels: Tensor, quality: float, places: Tensor) -> Tensor:
    """Write and read each image as JPEG of this quality."""

    def again(image: np.ndarray) -> np.ndarray:
        content = io.BytesIO()
        Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(content, "JPEG", quality=int(quality))
        return np.asarray(Image.open(content)).reshape(image.shape)

    arrays = pixels.permute(0, 2, 3, 1).contiguous().numpy()
    return torch.from_numpy(np.stack([again(array) for array in arrays])).permute(0, 3, 1, 2).contiguous()


# By name: the function and its strengths, from mild to strong.
DISTURBANCES: dict[str, tuple[Disturb, tuple[float, ...]]] = {
    "blur": (blurred, (0.02, 0.04, 0.06, 0.08)),
    "noise": (noisy, (0.05, 0.1, 0.2, 0.4)),
    "darker": (brighter, (0.75, 0.5, 0.25, 0.1)),
    "brighter": (brighter, (1.25, 1.5, 2.0, 3.0)),
    "contrast": (paler, (0.75, 0.5, 0.25, 0.1)),
    "rotation": (turned, (5, 15, 30, 45)),
    "jpeg": (compressed, (75, 50, 25, 10)),
}


def robustness(network: nn.Module, decoded: Decoded, preprocess: Preprocess, device: torch.device) -> dict[str, Any]:
    """Return `n`, the accuracy `top1` undisturbed, and `disturbances`: name, strength, top1 and interval of each.

    For one class per image, on at most 2,000 images, evenly spaced.
    """
    network.eval()
    n = min(len(decoded), MOST_IMAGES)
    places = torch.linspace(0, len(decoded) - 1, n).round().long()
    ways = [("none", lambda pixels, strength, places: pixels, 0.0)]
    ways += [(name, disturb, level) for name, (disturb, levels) in DISTURBANCES.items() for level in levels]
    right = [0] * len(ways)
    batches = places.split(batch_size_for(preprocess))
    for indices, pixels in zip(batches, pixel_batches(decoded.pixels, list(batches), torch.device("cpu")), strict=True):
        for i, (_, disturb, level) in enumerate(ways):
            logits = logits_of(network, preprocess, disturb(pixels, level, indices), device)
            right[i] += int((logits.argmax(1) == decoded.labels[indices]).sum())
    rows = [
        {"name": name, "strength": level, "top1": hits / n, "interval": list(wilson_interval(hits, n))}
        for (name, _, level), hits in zip(ways, right, strict=True)
    ]
    return {"n": n, "top1": rows[0]["top1"], "disturbances": rows[1:]}


def _as_pixels(images: Tensor) -> Tensor:
    return images.round().clamp(0, 255).to(torch.uint8)
