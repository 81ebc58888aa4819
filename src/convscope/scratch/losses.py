"""Losses: the error E of a batch as one number, and its gradient by the network's outputs.

    logits, outputs   N x classes     labels   N whole numbers     targets   N x classes

E is the mean over the N images of a batch, so each gradient carries a factor 1 / N.
"""

from __future__ import annotations

import numpy as np

from .windows import Array


def softmax(logits: Array) -> Array:
    """Return p[k] = e^z[k] / sum over m of e^z[m]: positive, with sum 1, in the order of the logits.

    Adding the same number to all logits changes nothing, so the largest is subtracted first and nothing overflows.
    """
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def softmax_backward(dp: Array, p: Array) -> Array:
    """Return dz for dp. A probability grows with its own logit and falls with the others:

    dp[k]/dz[m] = p[k] ((k = m) - p[m]), so that

    dz[m] = p[m] * (dp[m] - sum over k of dp[k] p[k])
    """
    return p * (dp - (dp * p).sum(1, keepdims=True))


def cross_entropy(logits: Array, labels: Array) -> tuple[float, Array]:
    """Return E = - mean of log p[label], p being the softmax of the logits; and dlogits.

    dz[m] = (p[m] - (m = label)) / N: the prediction minus the target. Logarithm and exponential cancel.
    """
    images = np.arange(len(labels))
    shifted = logits - logits.max(1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    dlogits = np.exp(log_p)
    dlogits[images, labels] -= 1
    return -float(log_p[images, labels].mean()), dlogits / len(labels)


def squared_error(outputs: Array, targets: Array) -> tuple[float, Array]:
    """Return E = mean over the images of  1/2 sum over k of (target[k] - output[k])^2; and doutputs.

    do[k] = (output[k] - target[k]) / N
    """
    difference = outputs - targets
    return 0.5 * float((difference**2).sum()) / len(outputs), difference / len(outputs)


def one_hot(labels: Array, classes: int) -> Array:
    """Return labels as targets: 1 at the label, 0 elsewhere, N x classes."""
    return np.eye(classes)[labels]
