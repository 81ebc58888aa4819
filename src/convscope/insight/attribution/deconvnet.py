"""ZFNet's deconvnet: the pattern in the input that made one unit answer.

Zeiler and Fergus, *Visualizing and Understanding Convolutional Networks*, ECCV 2014, section 2.1: all other units of
the layer are set to zero, and what is left is sent back through unpooling (to where the maxima were), rectification
and the same kernels transposed, down to the pixels.
"""

from __future__ import annotations

from contextlib import nullcontext

import torch
from torch import Tensor, nn

from ..tracing.trace import record
from .relu_backward import ChangedRectifiers


def deconvolve(
    network: nn.Module, images: Tensor, layer: str, channel: int, position: tuple[int, int] | None = None
) -> Tensor:
    """The projection of one unit's activation onto the input: images N x C x H x W -> N x C x H x W.

    `position` is its row and column; without it, it is the strongest one of the channel, image by image. ValueError for
    an unknown layer or channel. Transposed kernels and unpooling are the gradients of convolution and max pooling, so
    that this works in any network; normalisations and additions also go back as their gradient does.
    """
    maps, start = activation(network, images, layer, channel, "deconvnet")
    return torch.autograd.grad(maps, start, _one_unit(maps, layer, channel, position))[0]


def activation(
    network: nn.Module, images: Tensor, layer: str, channel: int, rule: str | None = None
) -> tuple[Tensor, Tensor]:
    """The output of a layer and the images that it can be differentiated by, through rectifiers changed by `rule`.

    ValueError for an unknown layer, or a channel that it does not have.
    """
    with ChangedRectifiers(rule) if rule else nullcontext():
        seen = record(network, images, keep=("input", layer), differentiable=True)
    maps = seen.output(layer)
    check_channel(layer, maps.shape[1], channel)
    return maps, seen.output("input")


def check_channel(layer: str, channels: int, channel: int) -> None:
    """ValueError for a channel that is not there."""
    if not 0 <= channel < channels:
        raise ValueError(f"'{layer}' has no channel {channel}: it has {channels}, counted from 0")


def _one_unit(maps: Tensor, layer: str, channel: int, position: tuple[int, int] | None) -> Tensor:
    """`maps` with everything set to zero but one unit an image."""
    values = maps.detach()
    rows = values.flatten(2) if values.ndim > 2 else values[..., None]
    if position is None or values.ndim == 2:
        place = rows[:, channel].argmax(1)
    else:
        row, column = position
        height, width = values.shape[2:]
        if not (0 <= row < height and 0 <= column < width):
            raise ValueError(f"'{layer}' has maps of {height} x {width}: no unit at {row}, {column}")
        place = torch.full((len(values),), row * width + column, device=values.device)
    index = torch.arange(len(values), device=values.device)
    signal = torch.zeros_like(rows)
    signal[index, channel, place] = rows[index, channel, place]
    return signal.view_as(values)
