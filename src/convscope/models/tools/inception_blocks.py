"""What the Inception papers share: parallel branches, their convolutions, and auxiliary heads for training."""

from __future__ import annotations

from typing import Any

import torch
import torch.fx
import torch.nn.functional as F
from torch import Tensor, nn

from ...task import classification_loss

Size = int | tuple[int, int]


class Concat(nn.Module):
    """Parallel branches: every child gets the same maps, and their outputs are concatenated along the channels."""

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps: N x C x H x W -> N x sum of the branches' channels x H' x W'."""
        return torch.cat([branch(maps) for branch in self.children()], 1)


class ConvReLU(nn.Sequential):
    """Convolution and ReLU, padded so that at stride 1 the size stays."""

    def __init__(self, in_channels: int, out_channels: int, kernel: Size, stride: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, stride, _same(kernel))
        self.relu = nn.ReLU()


class BasicConv2d(nn.Sequential):
    """Convolution, batch norm, ReLU. At stride 1 the size stays, unless `padding=0`, which the papers call "V"."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: Size,
        stride: int = 1,
        padding: int | None = None,
        bias: bool = False,
        eps: float = 1e-3,
    ):
        super().__init__()
        pad = _same(kernel) if padding is None else padding
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, stride, pad, bias=bias)
        self.bn = nn.BatchNorm2d(out_channels, eps)
        self.relu = nn.ReLU()


class AuxiliaryPool(nn.Module):
    """The papers' average pooling 5x5 / 3 before an auxiliary head; for other image sizes, adaptive average pooling.

    The head needs `side` x `side` maps or, with `larger`, at least so many.
    """

    def __init__(self, side: int, larger: bool = False):
        super().__init__()
        self.side, self.larger = side, larger

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps: N x C x H x W -> N x C x side x side (at the papers' size of images)."""
        return _auxiliary_pool(maps, self.side, self.larger)

    def extra_repr(self) -> str:
        """Return the size that the head needs, for `print(network)`."""
        return f"side={self.side}"


@torch.fx.wrap  # one step in traces with torch.fx, because it decides by the size of the maps
def _auxiliary_pool(maps: Tensor, side: int, larger: bool) -> Tensor:
    after = [(length - 5) // 3 + 1 for length in maps.shape[-2:]]
    published = min(after) >= side if larger else after == [side, side]
    return F.avg_pool2d(maps, 5, 3) if published else F.adaptive_avg_pool2d(maps, side)


def auxiliary_loss(outputs: Any, labels: Tensor, weight: float, label_smoothing: float) -> Tensor:
    """Return the loss of the logits, plus `weight` times that of each auxiliary head if there are any."""
    logits, *auxiliary = outputs if isinstance(outputs, tuple) else (outputs,)
    loss = classification_loss(logits, labels, label_smoothing)
    for head in auxiliary:
        loss = loss + weight * classification_loss(head, labels, label_smoothing)
    return loss


def _same(kernel: Size) -> Size:
    return kernel // 2 if isinstance(kernel, int) else (kernel[0] // 2, kernel[1] // 2)
