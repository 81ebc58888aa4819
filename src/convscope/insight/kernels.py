"""Kernels as numbers and as images."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from ..suggest import did_you_mean


def kernels(network: nn.Module, layer: str) -> Tensor:
    """Return the kernels of a layer, output maps x input maps x height x width, as a copy on the CPU.

    Those of a linear layer are 1 x 1; those of a grouped convolution have the input maps of one group. A layer that
    stores its kernels in another form (a connection table) gives them with a method `dense_weight`. ValueError for a
    name that is no layer with kernels.

    >>> kernels(torch.nn.Sequential(torch.nn.Conv2d(3, 8, 5)), "0").shape
    torch.Size([8, 3, 5, 5])
    """
    modules = dict(network.named_modules())
    weight = _weight(modules[layer]) if layer in modules else None
    if weight is None:
        names = layers_with_kernels(network)
        problem = f"'{layer}' has no kernels" if layer in modules else f"unknown layer '{layer}'"
        first = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
        choices = f"choose one of {first}" if names else "this network has no layer with kernels"
        raise ValueError(f"{problem}: {did_you_mean(layer, names, choices, cutoff=0.4)}")
    weight = weight.detach().float().cpu().clone()
    return weight if weight.ndim == 4 else weight[..., None, None]


def layers_with_kernels(network: nn.Module) -> list[str]:
    """Return the names of the layers that `kernels` takes, in the order in which the network lists them.

    >>> layers_with_kernels(torch.nn.Sequential(torch.nn.Conv2d(3, 8, 5), torch.nn.ReLU(), torch.nn.Conv2d(8, 2, 1)))
    ['0', '2']
    """
    return [name for name, module in network.named_modules() if name and _weight(module) is not None]


def tile(maps: Tensor | np.ndarray, columns: int | None = None, gap: int = 1, fill: float = math.nan) -> np.ndarray:
    """Arrange images in a grid: n x H x W (or n x 3 x H x W, in colour) -> one array.

    Without `columns` they fill a rectangle that is wider than high where their number allows it: 96 kernels become
    AlexNet's 8 x 12. `gap` pixels of `fill` lie between them and where the last row ends early. The result is
    float32, height x width (x 3).

    >>> tile(torch.ones(6, 5, 5), columns=3).shape
    (11, 17)
    """
    array = np.asarray(maps, dtype=np.float32)
    if array.ndim == 4:
        array = np.moveaxis(array, 1, -1)
    if array.ndim not in (3, 4) or not len(array):
        raise ValueError(f"tile takes n x H x W or n x C x H x W, not {' x '.join(map(str, array.shape))}")
    count, height, width = array.shape[:3]
    columns = min(columns or columns_for(count), count)
    rows = -(-count // columns)
    shape = (rows * (height + gap) - gap, columns * (width + gap) - gap, *array.shape[3:])
    grid = np.full(shape, fill, np.float32)
    for i, one in enumerate(array):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        grid[top : top + height, left : left + width] = one
    return grid


def columns_for(count: int) -> int:
    """Return the columns of a grid of `count` images: a divisor if one gives a shape between a square and 2.5 : 1."""
    side = math.ceil(math.sqrt(count))
    return next((c for c in range(side, count + 1) if count % c == 0 and c * c <= 2.5 * count), side)


def colour_kernels(weight: Tensor) -> Tensor:
    """Return kernels on three input maps as colours in 0..1: zero is middle grey, each scaled by its largest value.

    >>> colour_kernels(torch.tensor([0.0, 2.0, -2.0]).view(1, 3, 1, 1)).flatten().tolist()
    [0.5, 1.0, 0.0]
    """
    if weight.ndim != 4 or weight.shape[1] != 3:
        raise ValueError(f"colours need kernels on 3 input maps, not {tuple(weight.shape)}")
    largest = weight.abs().amax((1, 2, 3), keepdim=True).clamp(min=torch.finfo(weight.dtype).tiny)
    return 0.5 + 0.5 * weight / largest


def _weight(module: nn.Module) -> Tensor | None:
    dense = getattr(module, "dense_weight", None)
    weight = dense() if callable(dense) else getattr(module, "weight", None)
    return weight if isinstance(weight, Tensor) and weight.ndim in (2, 4) else None
