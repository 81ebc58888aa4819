"""ZFNet's deconvnet: the pattern in the input that activated one unit, or that speaks for a class.

Zeiler and Fergus, *Visualizing and Understanding Convolutional Networks*, ECCV 2014, section 2.1: all other units of
the layer are set to zero, and what is left goes back through unpooling (to where the maxima were), rectification and
the same kernels transposed, down to the pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..channels import differentiable_maps
from .class_score import Score, Target, input_gradient
from .relu_backward import ReluBackward, check_found


def deconvnet(score: Score, images: Tensor, target: Target) -> Tensor:
    """Return the projection of the score onto the input, summed over channels: N x C x H x W -> N x H x W."""
    with ReluBackward("deconvnet") as rule:
        gradient = input_gradient(score, images, target)
    check_found(rule, "deconvnet")
    return gradient.sum(1)


def deconvolve(
    network: nn.Module, images: Tensor, layer: str, channel: int, position: tuple[int, int] | None = None
) -> Tensor:
    """Return the projection of one unit's activation onto the input: images N x C x H x W -> N x C x H x W.

    `position` is the unit's row and column; without it, the strongest unit of the channel is taken, image by image.
    Transposed kernels and unpooling are the gradients of convolution and max pooling, so that this works in any
    network; normalisations and additions go back as their gradient does. ValueError for an unknown layer or channel, or
    a position outside of the maps.

    >>> network = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 2, bias=False), torch.nn.Flatten())
    >>> _ = network[0].weight.data.copy_(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]))
    >>> deconvolve(network, torch.ones(1, 1, 3, 3), "0", 0, (0, 1))[0, 0].tolist()
    [[0.0, 10.0, 20.0], [0.0, 30.0, 40.0], [0.0, 0.0, 0.0]]
    """
    with ReluBackward("deconvnet"):
        maps, pixels = differentiable_maps(network, images, layer, channel)
    return torch.autograd.grad(maps, pixels, _one_unit(maps, layer, channel, position))[0]


def _one_unit(maps: Tensor, layer: str, channel: int, position: tuple[int, int] | None) -> Tensor:
    """Return `maps` with everything set to zero but one unit per image."""
    values = maps.detach()
    flat = values.flatten(2) if values.ndim > 2 else values[..., None]
    if position is None or values.ndim == 2:
        unit = flat[:, channel].argmax(1)
    else:
        row, column = position
        height, width = values.shape[2:]
        if not (0 <= row < height and 0 <= column < width):
            raise ValueError(f"'{layer}' has maps of {height} x {width}: no unit at {row}, {column}")
        unit = torch.full((len(values),), row * width + column, device=values.device)
    image = torch.arange(len(values), device=values.device)
    signal = torch.zeros_like(flat)
    signal[image, channel, unit] = flat[image, channel, unit]
    return signal.view_as(values)
