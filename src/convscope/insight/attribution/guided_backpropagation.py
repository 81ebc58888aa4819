"""Guided backpropagation: the gradient without anything that speaks against the class, at any ReLU on its way.

Springenberg, Dosovitskiy, Brox and Riedmiller, *Striving for Simplicity: The All Convolutional Net*, ICLR workshop
2015.
"""

from __future__ import annotations

from torch import Tensor

from .class_score import Score, Target, input_gradient
from .relu_backward import ReluBackward, check_found


def guided_backpropagation(score: Score, images: Tensor, target: Target) -> Tensor:
    """Return the gradient, with negative values cut off at every ReLU and summed over channels: N x H x W."""
    with ReluBackward("guided") as rule:
        gradient = input_gradient(score, images, target)
    check_found(rule, "guided-backprop")
    return gradient.sum(1)
