"""Occlusion: by how much the score falls where a square of the image is covered.

Zeiler and Fergus, *Visualizing and Understanding Convolutional Networks*, ECCV 2014, section 4.2.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .captum_attr import captum_attr
from .class_score import Score, Target

# Covered images that go through the network together.
BATCH = 16


def occlusion(
    score: Score, images: Tensor, target: Target, baseline: float, window: int | None, stride: int | None
) -> Tensor:
    """Return N x H x W: the fall of the score, where squares overlap their mean.

    A square has `window` pixels a side (a sixth of the image by default), is filled with `baseline` and moves by
    `stride` (half of it by default).
    """
    side = min(images.shape[2:])
    window = min(window or max(round(side / 6), 1), side)
    stride = min(stride or max(window // 2, 1), window)
    with torch.no_grad():
        heat = (
            captum_attr()
            .Occlusion(score)
            .attribute(
                images,
                sliding_window_shapes=(images.shape[1], window, window),
                strides=(images.shape[1], stride, stride),
                baselines=baseline,
                additional_forward_args=tuple(target),
                perturbations_per_eval=BATCH,
            )
        )
    # A square covers all channels at once, so that they all hold the same value.
    return heat[:, 0].to(images.dtype)
