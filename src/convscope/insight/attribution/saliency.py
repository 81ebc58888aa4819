"""Saliency: how much a small change of each pixel changes the score.

Simonyan, Vedaldi and Zisserman, *Deep Inside Convolutional Networks: Visualising Image Classification Models and
Saliency Maps*, ICLR workshop 2014.
"""

from __future__ import annotations

from torch import Tensor

from .class_score import Score, Target, input_gradient


def saliency(score: Score, images: Tensor, target: Target) -> Tensor:
    """Return the largest absolute gradient of the channels: images N x C x H x W -> N x H x W."""
    return input_gradient(score, images, target).abs().amax(1)
