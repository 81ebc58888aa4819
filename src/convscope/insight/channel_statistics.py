"""Statistics of every layer over a data set: means, deviations, dead units, and the size of the gradients."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .layer_gradients import Loss, gradients
from .tracing.graph import Node
from .tracing.trace import record, trace

Batch = Tensor | tuple[Tensor, Tensor]


@dataclass(frozen=True)
class LayerStatistics:
    """One node of a network over all images.

    `mean` and `deviation` are those of all values, `zeros` is the share of values that are 0. `channel_means` has one
    number per map (or per unit of a vector); `dead` are the channels that were 0 everywhere, for every image.
    `gradient_mean` and `gradient_deviation` are those of the loss's gradient, image by image, None without labels.
    """

    name: str
    type: str
    shape: tuple[int, ...]
    mean: float
    deviation: float
    zeros: float
    dead: tuple[int, ...]
    channel_means: tuple[float, ...]
    gradient_mean: float | None = None
    gradient_deviation: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


@dataclass
class _Sums:
    """The running sums of one layer in float64; activations are not kept."""

    count: int = 0
    total: Tensor | float = 0.0  # per channel
    squares: float = 0.0
    zeros: int = 0
    active: Tensor | bool = False  # per channel: whether any value was not 0
    gradient_count: int = 0
    gradient_total: float = 0.0
    gradient_squares: float = 0.0

    def add(self, output: Tensor) -> None:
        channels = output.detach().double().reshape(len(output), output.shape[1] if output.ndim > 1 else 1, -1)
        self.count += channels.numel()
        self.total = self.total + channels.mean((0, 2)) * channels.shape[0] * channels.shape[2]
        self.squares += float(channels.square().sum())
        self.zeros += int((channels == 0).sum())
        self.active = self.active | (channels != 0).any(2).any(0)

    def add_gradient(self, gradient: Tensor) -> None:
        self.gradient_count += gradient.numel()
        self.gradient_total += float(gradient.double().sum())
        self.gradient_squares += float(gradient.double().square().sum())


def channel_statistics(
    network: nn.Module, batches: Iterable[Batch], loss: Loss | None = None
) -> dict[str, LayerStatistics]:
    """Return statistics of every node that `trace` names, over batches of images N x C x H x W, in evaluation mode.

    With `loss` (a function of logits and labels, the mean over a batch) the batches are pairs of images and labels, and
    the gradients of the loss of single images are measured too. Only sums are kept, so that any number of images fits
    in memory. ValueError if there are none.

    >>> network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Flatten())
    >>> list(channel_statistics(network, [torch.zeros(4, 1, 6, 6)]))
    ['input', '0', '1', '2']
    """
    sums: dict[str, _Sums] = {}
    first: Tensor | None = None

    def observe(name: str, output: Tensor) -> None:
        sums.setdefault(name, _Sums()).add(output)

    for batch in batches:
        images, labels = batch if isinstance(batch, tuple | list) else (batch, None)
        first = images[:1] if first is None else first
        record(network, images, keep=(), observe=observe)
        if loss is not None:
            if labels is None:
                raise ValueError("gradients need labels: give pairs of images and labels, or no loss")
            for name, gradient in gradients(network, images, labels, loss).items():
                # The loss is the mean over the batch; the gradient of an image's own loss is that many times larger.
                sums[name].add_gradient(gradient * len(images))
    if first is None:
        raise ValueError("no images: statistics need at least one batch")
    nodes = trace(network, first, keep=()).nodes
    return {node.name: _statistics(node, sums[node.name]) for node in nodes if node.name in sums}


def _statistics(node: Node, sums: _Sums) -> LayerStatistics:
    total = torch.as_tensor(sums.total)
    per_channel = sums.count / total.numel()
    mean = float(total.sum()) / sums.count
    gradients_known = sums.gradient_count > 0
    gradient_mean = sums.gradient_total / sums.gradient_count if gradients_known else None
    return LayerStatistics(
        node.name,
        node.type,
        tuple(node.shape),
        mean,
        _deviation(sums.squares, sums.count, mean),
        sums.zeros / sums.count,
        tuple((~torch.as_tensor(sums.active)).nonzero().flatten().tolist()),
        tuple((total / per_channel).tolist()),
        gradient_mean,
        None if gradient_mean is None else _deviation(sums.gradient_squares, sums.gradient_count, gradient_mean),
    )


def _deviation(squares: float, count: int, mean: float) -> float:
    return math.sqrt(max(squares / count - mean * mean, 0.0))
