"""How the values of every layer and their gradients are distributed over some images, and which channels are dead."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .layer_gradients import Loss, gradients
from .tracing.graph import Node
from .tracing.trace import record

# Least, 1 %, lower quartile, median, upper quartile, 99 % and greatest.
SHARES = (0.0, 0.01, 0.25, 0.5, 0.75, 0.99, 1.0)
# Of a layer with more values than this, every second, third ... is taken.
MOST_VALUES = 20_000


@dataclass(frozen=True)
class Distribution:
    """The values of one node over all images.

    `values` are their quantiles at `SHARES`, `zeros` is the share that are 0. Of `channels` maps (or units of a vector)
    `dead` were 0 everywhere, for every image. `gradients` are the quantiles of the absolute gradient of an image's own
    loss, `gradient_size` is its root mean square; None without labels.
    """

    name: str
    type: str
    kind: str
    shape: tuple[int, ...]
    values: tuple[float, ...]
    zeros: float
    channels: int
    dead: int
    gradients: tuple[float, ...] | None = None
    gradient_size: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def distributions(
    network: nn.Module, images: Tensor, labels: Tensor | None = None, loss: Loss | None = None
) -> list[Distribution]:
    """Return the distribution at every node that `trace` names, in the order in which they ran, in evaluation mode.

    images N x C x H x W. With `loss` (of logits and labels, the mean over a batch) the gradients are measured too.
    """
    found: dict[str, tuple[tuple[float, ...], float, int, int]] = {}

    def observe(name: str, output: Tensor) -> None:
        values = output.detach()
        values = values.abs() if values.is_complex() else values
        channels = values.reshape(len(values), values.shape[1] if values.ndim > 1 else 1, -1)
        zero = channels == 0
        silent = zero.all(2).all(0)
        zeros = int(zero.count_nonzero()) / max(zero.numel(), 1)
        found[name] = (quantiles(values), zeros, channels.shape[1], int(silent.sum()))

    nodes = record(network, images, keep=(), observe=observe).nodes
    back: dict[str, Tensor] = {}
    if loss is not None and labels is not None:
        # The loss is the mean over the batch; the gradient of an image's own loss is that many times larger.
        back = {name: grad.abs() * len(images) for name, grad in gradients(network, images, labels, loss).items()}
    return [_distribution(node, found[node.name], back.get(node.name)) for node in nodes if node.name in found]


def quantiles(values: Tensor) -> tuple[float, ...]:
    """Return the quantiles of a tensor at `SHARES`, of a very large one those of evenly spaced values."""
    flat = values.flatten().double()
    flat = flat[:: -(-len(flat) // MOST_VALUES)]
    return tuple(torch.quantile(flat, torch.tensor(SHARES, dtype=torch.float64, device=flat.device)).tolist())


def _root_mean_square(values: Tensor) -> float:
    return float(torch.linalg.vector_norm(values, dtype=torch.float64)) / math.sqrt(max(values.numel(), 1))


def _distribution(
    node: Node, measured: tuple[tuple[float, ...], float, int, int], gradient: Tensor | None
) -> Distribution:
    size = None if gradient is None else _root_mean_square(gradient)
    spread = None if gradient is None else quantiles(gradient)
    return Distribution(node.name, node.type, node.kind, tuple(node.shape), *measured, spread, size)
