"""The picture that a channel likes best, found by gradient ascent.

Erhan, Bengio, Courville and Vincent, *Visualizing Higher-Layer Features of a Deep Network*, 2009; Simonyan, Vedaldi and
Zisserman 2014. Without care it ends in noise that no one can read; what helps (Yosinski et al. 2015; Olah, Mordvintsev
and Schubert, *Feature Visualization*, Distill 2017) is moving the picture by random amounts between the steps, blurring
it now and then, and a price on total variation.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attribution.deconvnet import activation


def maximise(
    network: nn.Module,
    layer: str,
    channel: int,
    input_size: Sequence[int],
    *,
    steps: int = 192,
    rate: float = 0.05,
    jitter: int | None = None,
    variation: float = 0.15,
    blur_every: int = 8,
    bounds: tuple[float, float] = (-2.0, 2.0),
    seed: int = 0,
) -> Tensor:
    """An image 1 x C x H x W, within `bounds`, that makes the mean of `channel` in `layer` large.

    `input_size` is (C, H, W) in the network's own (normalised) units; `jitter` the largest move in pixels (a sixteenth
    of the image by default), `variation` the price of total variation, and `blur_every` the steps between blurs (none
    in the last quarter; 0 for none at all). The same `seed` gives the same picture. ValueError for an unknown layer or
    channel.
    """
    coin = torch.Generator().manual_seed(seed)
    place = next(iter([*network.parameters(), *network.buffers()]), torch.empty(0)).device
    middle, reach = sum(bounds) / 2, (bounds[1] - bounds[0]) / 2
    image = (middle + 0.1 * reach * torch.randn(1, *input_size, generator=coin)).to(place)
    jitter = max(min(input_size[1:]) // 16, 1) if jitter is None else jitter
    for step in range(steps):
        moves = torch.randint(-jitter, jitter + 1, (2,), generator=coin).tolist()
        moved = image.roll(moves, (2, 3))
        maps, start = activation(network, moved, layer, channel)
        with torch.enable_grad():
            gain = torch.autograd.grad(maps[:, channel].mean(), start)[0]
        # Both are scaled to the same size, so that one rate suits every layer of every network.
        direction = _unit(gain) - variation * _unit(roughness(moved))
        image = (moved + rate * reach * direction).roll([-m for m in moves], (2, 3))
        if blur_every and step % blur_every == blur_every - 1 and step < 0.75 * steps:
            image = blur(image)
        image = image.clamp(*bounds)
    return image


def roughness(images: Tensor) -> Tensor:
    """The gradient of the total variation, half the sum of squared differences between neighbouring pixels."""
    rough = torch.zeros_like(images)
    for axis in (2, 3):
        steps = images.diff(dim=axis)
        length = steps.shape[axis]
        rough.narrow(axis, 1, length).add_(steps)
        rough.narrow(axis, 0, length).sub_(steps)
    return rough


def blur(images: Tensor) -> Tensor:
    """Each pixel mixed with its neighbours, 1 2 1 in both directions; edges repeated."""
    line = torch.tensor([0.25, 0.5, 0.25], device=images.device, dtype=images.dtype)
    channels = images.shape[1]
    kernel = (line[:, None] * line).expand(channels, 1, 3, 3)
    return F.conv2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), kernel, groups=channels)


def _unit(gradient: Tensor) -> Tensor:
    return gradient / gradient.square().mean().sqrt().clamp(min=torch.finfo(gradient.dtype).tiny)
