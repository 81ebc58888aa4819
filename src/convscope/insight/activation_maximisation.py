"""Activation maximisation: the image that activates a channel most, found by gradient ascent.

Erhan, Bengio, Courville and Vincent, *Visualizing Higher-Layer Features of a Deep Network*, 2009; Simonyan, Vedaldi and
Zisserman 2014. Plain ascent ends in noise. What helps (Yosinski et al. 2015; Olah, Mordvintsev and Schubert, *Feature
Visualization*, Distill 2017): shifting the image at random between the steps, blurring it now and then, and a penalty
on total variation.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .channels import differentiable_maps


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
    """Return an image 1 x C x H x W, within `bounds`, for which the mean of `channel` in `layer` is large.

    `input_size` is (C, H, W), the pixels are in the network's own (normalised) units. `jitter` is the largest shift in
    pixels (a sixteenth of the image by default), `variation` the weight of the penalty on total variation, and
    `blur_every` the number of steps between blurs (none in the last quarter; 0 for none at all). The same `seed` gives
    the same image. ValueError for an unknown layer or channel.

    >>> maximise(torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3)), "0", 1, (1, 12, 12), steps=4).shape
    torch.Size([1, 1, 12, 12])
    """
    generator = torch.Generator().manual_seed(seed)
    device = next(iter([*network.parameters(), *network.buffers()]), torch.empty(0)).device
    middle, reach = sum(bounds) / 2, (bounds[1] - bounds[0]) / 2
    image = (middle + 0.1 * reach * torch.randn(1, *input_size, generator=generator)).to(device)
    jitter = max(min(input_size[1:]) // 16, 1) if jitter is None else jitter
    for step in range(steps):
        shift = torch.randint(-jitter, jitter + 1, (2,), generator=generator).tolist()
        shifted = image.roll(shift, (2, 3))
        maps, pixels = differentiable_maps(network, shifted, layer, channel)
        with torch.enable_grad():
            gain = torch.autograd.grad(maps[:, channel].mean(), pixels)[0]
        # Both are scaled to the same size, so that one rate fits every layer of every network.
        direction = _unit(gain) - variation * _unit(variation_gradient(shifted))
        image = (shifted + rate * reach * direction).roll([-s for s in shift], (2, 3))
        if blur_every and step % blur_every == blur_every - 1 and step < 0.75 * steps:
            image = blur(image)
        image = image.clamp(*bounds)
    return image


def variation_gradient(images: Tensor) -> Tensor:
    """Return the gradient of the total variation, half the sum of squared differences between neighbouring pixels."""
    gradient = torch.zeros_like(images)
    for axis in (2, 3):
        steps = images.diff(dim=axis)
        length = steps.shape[axis]
        gradient.narrow(axis, 1, length).add_(steps)
        gradient.narrow(axis, 0, length).sub_(steps)
    return gradient


def blur(images: Tensor) -> Tensor:
    """Return each pixel mixed with its neighbours, 1 2 1 in both directions; edges are repeated."""
    line = torch.tensor([0.25, 0.5, 0.25], device=images.device, dtype=images.dtype)
    channels = images.shape[1]
    kernel = (line[:, None] * line).expand(channels, 1, 3, 3)
    return F.conv2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), kernel, groups=channels)


def _unit(gradient: Tensor) -> Tensor:
    return gradient / gradient.square().mean().sqrt().clamp(min=torch.finfo(gradient.dtype).tiny)
