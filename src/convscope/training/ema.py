"""The exponential moving average of the weights: steadier than any single step's."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, update_bn

# Averaging after every step would cost a small network a twentieth of its time, and gain nothing.
EVERY = 4
# Enough for the mean and the deviation of every map to within a few per cent; of large images fewer are.
NORM_IMAGES = 4096


def average_of(network: nn.Module, decay: float) -> AveragedModel | None:
    """The average, to be updated after every `EVERY` steps, of a network that is on its device; None for decay 0.

    `decay` is the factor a step. The first updates weigh more (as in TensorFlow's ExponentialMovingAverage), so that
    the random first weights are soon forgotten. Running statistics of norms are copied; see `renew_norms`.
    """
    if not decay:
        return None

    def update(averaged: Sequence[Tensor], current: Sequence[Tensor], updates: int | Tensor) -> None:
        count = int(updates)
        kept = min(decay**EVERY, (1 + count) / (10 + count))
        torch._foreach_lerp_(list(averaged), list(current), 1 - kept)

    return AveragedModel(network, multi_avg_fn=update)


def renew_norms(network: nn.Module, images: Tensor) -> None:
    """Measure the running statistics of all norms anew, on unchanged training images N x C x H x W.

    Those of the network that was trained belong to other weights than the average, and to augmented images.
    """
    update_bn(images.split(256), network)
