"""A network for CIFAR-10 on a CPU (ConvScope's own): 88 % of a training step are convolutions.

It is the network of airbench94 without what is slow on a CPU:

- K. Jordan, *94% on CIFAR-10 in 3.29 Seconds on a Single GPU*, arXiv 2404.00498: three blocks of two 3 x 3
  convolutions of 64, 256 and 256 maps, pooling before a block's first norm, norms without a learned scale,
  convolutions that start as identities.
- D. Page, *How to Train Your ResNet*, 2018: a first layer of 2 x 2 kernels that whitens the patches of the data and is
  not trained.
- T. Tysland Balsam, *hlb-CIFAR10*, 2023: each whitening kernel also with the other sign, so that an activation after it
  keeps both halves.

Departures from airbench94: SiLU instead of GELU, which is nearly twice as slow here; no bias after the whitening, so
that nothing before the first block needs a gradient; global max pooling instead of 3 x 3, so that any image of at least
9 x 9 works and training can start with small ones; torch's momentum and epsilon in the norms. The logits are not
scaled, the last layer starts small instead.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import UsageError
from .tools.card import Card
from .tools.layers import require_at_least

# 200 MB in double precision; more patches do not give better kernels.
PATCH_VALUES = 25_000_000


class FastBlock(nn.Module):
    """Convolution, pool, norm, activation; convolution, norm, activation. N x in x H x W -> N x out x H/2 x W/2."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.pool = nn.MaxPool2d(2)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.act1 = nn.SiLU()
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.act2 = nn.SiLU()
        for norm in (self.norm1, self.norm2):
            # The scale is not learned: a buffer of ones with the name of the parameter.
            del norm.weight
            norm.register_buffer("weight", torch.ones(out_channels))
        # As many maps as possible start as copies of the input; the others as torch draws them.
        for conv in (self.conv1, self.conv2):
            nn.init.dirac_(conv.weight[:in_channels])

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps of half the side, N x out x H/2 x W/2."""
        maps = self.act1(self.norm1(self.pool(self.conv1(maps))))
        return self.act2(self.norm2(self.conv2(maps)))


def _small_linear(inputs: int, outputs: int) -> nn.Linear:
    layer = nn.Linear(inputs, outputs, bias=False)
    nn.init.normal_(layer.weight, std=1 / inputs)
    return layer


class CifarFast(nn.Module):
    """1,971,616 parameters with `width` 1 and 10 classes; 288 of them, the whitening kernels, are fixed by `prepare`.

    Input N x C x H x W with sides of at least 9, output N x classes; shapes below are for 32 x 32. Call `prepare` with
    some training images before the first step; without it the first layer is an ordinary one that learns. For larger
    photos the whitened patches can lie `stride` pixels apart (and are twice as large), and there can be more `blocks`.
    """

    members = 1

    def __init__(
        self, num_classes: int = 10, in_channels: int = 3, width: float = 1.0, stride: int = 1, blocks: int = 3
    ):
        super().__init__()
        if stride < 1 or blocks < 1:
            raise ValueError("stride and blocks must be at least 1")
        # Multiples of 32 fill the CPU's vector registers.
        narrow, wide = (32 * max(round(channels * width / 32), 1) for channels in (64, 256))
        first = 2 * in_channels * 2 * 2 * min(stride, 2)
        self.smallest = stride * (2**blocks + 1)
        self.whiten = nn.Conv2d(in_channels, first, 2 * stride, stride, padding=stride // 2, bias=False)
        self.act = nn.SiLU()
        # N x 24 x 31 x 31
        self.stages: dict[str, tuple[int, int]] = {}
        channels = first
        for number in range(1, blocks + 1):
            following = narrow if number == 1 else wide
            self.add_module(f"block{number}", self._block(channels, following, number == 1))
            channels = following
            self.stages[f"block{number}"] = (channels * self.members, stride * 2**number)
        # N x 64 x 15 x 15, N x 256 x 7 x 7, N x 256 x 3 x 3
        self.pool = nn.AdaptiveMaxPool2d(1)
        self.flatten = nn.Flatten()
        self.head = self._head(channels, num_classes)

    def _block(self, inputs: int, outputs: int, is_first: bool) -> nn.Module:
        return FastBlock(inputs, outputs)

    def _head(self, features: int, num_classes: int) -> nn.Module:
        return _small_linear(features, num_classes)

    @torch.no_grad()
    def prepare(self, images: Tensor | None) -> None:
        """Set and fix the first kernels, so that their responses to `images` (N x C x H x W, normalised) are white.

        They are the eigenvectors of the covariance of all patches, each divided by the deviation along it, the weakest
        first, then all with the other sign. For large patches they are the strongest, as many as the layer has. A few
        thousand images are enough. With None, kernels from loaded weights stay as they are and are only fixed.
        """
        weight = self.whiten.weight
        weight.requires_grad_(False)
        if images is None:
            return
        side, stride = self.whiten.kernel_size[0], self.whiten.stride[0]
        enough = max(PATCH_VALUES * stride**2 // weight[0].numel() // images[0, 0].numel(), 1)
        images = images[:enough].to(weight.device, torch.float32)
        patches = F.unfold(images, side, stride=stride).transpose(1, 2).flatten(0, 1).double()
        variances, directions = torch.linalg.eigh(patches.T @ patches / len(patches))
        # The constant keeps directions in which nothing varies from becoming infinitely large.
        kernels = (directions / (variances + 5e-4).sqrt()).T[-len(weight) // 2 :].reshape(-1, *weight.shape[1:])
        weight.copy_(torch.cat([kernels, -kernels]))

    def forward(self, images: Tensor) -> Any:
        """Return logits, N x classes."""
        require_at_least(images, self.smallest, "cifar_fast")
        maps = self.act(self.whiten(images))
        for name in self.stages:
            maps = self.get_submodule(name)(maps)
        return self.head(self.flatten(self.pool(maps)))


class SideBySide(nn.ModuleList):
    """The same block of each member of an ensemble. N x C x H x W -> N x sum of the members' channels x H' x W'.

    Each gets its own part of the channels; those of the first stage (`is_first`) all get the same maps.
    """

    def __init__(self, blocks: Iterable[nn.Module], is_first: bool):
        super().__init__(blocks)
        self.is_first = is_first

    def forward(self, maps: Tensor) -> Tensor:
        """Return the members' maps, concatenated along the channels."""
        parts = [maps] * len(self) if self.is_first else maps.chunk(len(self), 1)
        return torch.cat([block(part) for block, part in zip(self, parts, strict=True)], 1)


class MeanProbability(nn.ModuleList):
    """The heads of an ensemble's members: N x features of all -> N x classes, logarithms of the mean probabilities."""

    def forward(self, features: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Return logits whose softmax is the mean of the members'; in training, each member's logits behind them."""
        parts = features.chunk(len(self), 1)
        each = [head(part) for head, part in zip(self, parts, strict=True)]
        logs = torch.stack([logits.float().log_softmax(1) for logits in each])
        together = logs.logsumexp(0) - math.log(len(each))
        return (together, *each) if self.training else together


class CifarFastEnsemble(CifarFast):
    """As many `members` of `CifarFast` side by side, which share the whitening and differ in their first weights.

    B. Lakshminarayanan, A. Pritzel and C. Blundell, *Simple and Scalable Predictive Uncertainty Estimation using Deep
    Ensembles*, NeurIPS 2017: the answer has the mean of their probabilities, and in training each has its own loss.
    Where photos are few, members that know them all by heart still err differently.
    """

    def __init__(self, members: int, *options: Any):
        self.members = members
        super().__init__(*options)

    def _block(self, inputs: int, outputs: int, is_first: bool) -> nn.Module:
        return SideBySide([FastBlock(inputs, outputs) for _ in range(self.members)], is_first)

    def _head(self, features: int, num_classes: int) -> nn.Module:
        return MeanProbability([_small_linear(features, num_classes) for _ in range(self.members)])

    def loss(self, outputs: Tensor | tuple[Tensor, ...], labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """Return the cross-entropy; in training the mean of the members' own."""
        if labels.ndim > 1:
            raise UsageError(
                "an ensemble of cifar_fast gives one class per image, not several labels: leave members out"
            )
        each = outputs[1:] if isinstance(outputs, tuple) else (outputs,)
        losses = [F.cross_entropy(logits, labels, label_smoothing=label_smoothing) for logits in each]
        return torch.stack(losses).mean()


def cifar_fast(
    num_classes: int = 10, in_channels: int = 3, width: float = 1.0, stride: int = 1, blocks: int = 3, members: int = 1
) -> CifarFast:
    """Return a `CifarFast`, or with more than one member a `CifarFastEnsemble`."""
    if members < 1:
        raise ValueError("members must be at least 1")
    if members == 1:
        return CifarFast(num_classes, in_channels, width, stride, blocks)
    return CifarFastEnsemble(members, num_classes, in_channels, width, stride, blocks)


CARDS = [
    Card(
        "cifar_fast", cifar_fast, None, "ConvScope, after K. Jordan, D. Page and T. Tysland Balsam",
        "(no paper: ConvScope's own network, after airbench)", "https://arxiv.org/abs/2404.00498", "depth", (3, 32, 32),
    )
]  # fmt: skip
