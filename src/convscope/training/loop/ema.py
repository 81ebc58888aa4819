"""The exponential moving average (EMA) of the weights (`--ema-decay`), steadier than those of a single step."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

# Averaging after every step would cost a small network a twentieth of its time, and gain nothing.
STEPS_PER_UPDATE = 4
# Enough for the mean and the deviation of every feature map to within a few per cent; fewer of large images.
NORM_IMAGES = 4096


def moving_average(network: nn.Module, decay: float) -> AveragedModel | None:
    """Return the average of a network that is on its device, to be updated every `STEPS_PER_UPDATE` steps.

    `decay` is the factor per step; None for 0. The first updates weigh more (as in TensorFlow's
    ExponentialMovingAverage), so that the random first weights are soon forgotten. Running statistics of norms are
    copied, see `renew_norms`.
    """
    if not decay:
        return None

    def update(averaged: Sequence[Tensor], current: Sequence[Tensor], updates: int | Tensor) -> None:
        count = int(updates)
        kept = min(decay**STEPS_PER_UPDATE, (1 + count) / (10 + count))
        get_ema_multi_avg_fn(kept)(averaged, current, updates)

    return AveragedModel(network, multi_avg_fn=update)


def renew_norms(network: nn.Module, images: Tensor) -> None:
    """Measure the running statistics of all norms again, on training images N x C x H x W that are not augmented.

    Those of the trained network belong to other weights than the average, and to augmented images.
    """
    update_bn(images.split(256), network)
