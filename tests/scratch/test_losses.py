"""Softmax and losses, against PyTorch's and the numbers of the tutorials."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from convscope.scratch.losses import cross_entropy, one_hot, softmax, softmax_backward, squared_error

from .gradients import by_autograd, close

rng = np.random.default_rng(7)


def test_softmax_and_cross_entropy():
    logits, labels = rng.normal(0, 3, (6, 5)), rng.integers(0, 5, 6)
    p, dz = by_autograd(lambda z: torch.softmax(z, 1), logits, dy=(dp := rng.normal(size=(6, 5))))
    close(softmax(logits), p)
    close(softmax_backward(dp, softmax(logits)), dz)
    theirs, dlogits = by_autograd(lambda z: F.cross_entropy(z, torch.tensor(labels)), logits, dy=np.array(1.0))
    error, ours = cross_entropy(logits, labels)
    assert error == pytest.approx(float(theirs), rel=1e-12)
    close(ours, dlogits)
    close(ours, (softmax(logits) - one_hot(labels, 5)) / 6)  # what was said minus what is true


def test_squared_error_behind_a_softmax():
    logits, targets = rng.normal(size=(6, 5)), one_hot(rng.integers(0, 5, 6), 5)
    theirs, dlogits = by_autograd(
        lambda z: 0.5 * (torch.tensor(targets) - z.softmax(1)).square().sum() / 6, logits, dy=np.array(1.0)
    )
    p = softmax(logits)
    error, dp = squared_error(p, targets)
    assert error == pytest.approx(float(theirs), rel=1e-12)
    close(softmax_backward(dp, p), dlogits)


def test_the_numbers_of_the_tutorials():
    assert softmax(np.array([[0.2370, 1.7276]])).round(4).tolist() == [[0.1838, 0.8162]]
    boat, said = np.array([[0, 0, 1, 0]]), np.array([[0.2, 0.4, 0.1, 0.3]])
    assert squared_error(said, boat)[0] == pytest.approx(0.55)
    assert cross_entropy(np.log(said), np.array([2]))[0] == pytest.approx(-np.log(0.1))


def test_nothing_overflows():
    with np.errstate(all="raise", under="ignore"):
        assert softmax(np.array([[1000.0, 0.0, -1000.0]])).tolist() == [[1, 0, 0]]
        assert cross_entropy(np.array([[1000.0, 0.0]]), np.array([1]))[0] == 1000
