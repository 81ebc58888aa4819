"""The receptive field of one unit, measured by the gradient."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..tracing.trace import record
from .theory import Box


def measured_field(network: nn.Module, images: Tensor, name: str, y: int | None = None, x: int | None = None) -> Box:
    """Return the pixels of `images` by which unit (y, x) of a node, in any of its channels, has a non-zero gradient.

    The box lies within the theoretical field, except behind gates, and is smaller where activations and maxima let
    nothing through. (Luo et al. 2016 show that the effective field is smaller still: the gradient fades towards the
    border.) ValueError for an unknown node.

    >>> network = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 3, padding=1))
    >>> measured_field(network, torch.zeros(1, 1, 9, 9), "0", 0, 0)
    Box(top=0, left=0, bottom=2, right=2)
    """
    trace = record(network, images, ["input", name], differentiable=True)
    output, source = trace.output(name), trace.output("input")
    units = output[:, :, y, x] if output.ndim == 4 else output.flatten(1)
    if not units.requires_grad:
        return Box(0, 0, 0, 0)
    # Channels with random factors: with equal ones, kernels that mirror each other would cancel.
    factors = torch.randn(units.shape[1], generator=torch.Generator().manual_seed(0)).to(units)
    (gradient,) = torch.autograd.grad((units * factors).sum(), source, allow_unused=True)
    if gradient is None:
        return Box(0, 0, 0, 0)
    touched = (gradient != 0).any(0).any(0)
    rows, columns = touched.any(1).nonzero().flatten().tolist(), touched.any(0).nonzero().flatten().tolist()
    return Box(rows[0], columns[0], rows[-1] + 1, columns[-1] + 1) if rows else Box(0, 0, 0, 0)
