"""Pooling in NumPy, with windows side by side, overlapping, with gaps and padded: PyTorch and trying agree."""

from __future__ import annotations

import numpy as np
import pytest
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.scratch.pooling import (
    average_pool,
    average_pool_backward,
    max_pool,
    max_pool_backward,
    sum_pool,
    sum_pool_backward,
)

from .gradients import by_autograd, by_finite_differences, close

pairs = st.tuples(st.integers(1, 4), st.integers(1, 4))


@st.composite
def settings_that_fit(draw):
    """Maps (some with equal numbers in a window), and windows whose padding is at most half of them, as torch wants."""
    kernel, stride = draw(pairs), draw(pairs)
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    size = [draw(st.integers(max(k - 2 * p, 1), 9)) for k, p in zip(kernel, padding, strict=True)]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (draw(st.integers(1, 2)), draw(st.integers(1, 3)), *size)
    x = rng.integers(-2, 3, shape).astype(float) if draw(st.booleans()) else rng.normal(size=shape)
    return x, kernel, stride, padding, rng


@settings(max_examples=80, deadline=None)
@given(settings_that_fit())
def test_forward_and_backward_are_those_of_torch(case):
    x, kernel, stride, padding, rng = case
    windows, size = (kernel, stride, tuple((p, p) for p in padding)), x.shape[2:]
    largest, winner = max_pool(x, *windows)
    dy = rng.normal(size=largest.shape)

    y, dx = by_autograd(lambda x: F.max_pool2d(x, kernel, stride, padding), x, dy=dy)
    close(largest, y)
    close(max_pool_backward(dy, winner, size, *windows), dx)

    y, dx = by_autograd(lambda x: F.avg_pool2d(x, kernel, stride, padding), x, dy=dy)
    close(average_pool(x, *windows), y)
    close(average_pool_backward(dy, size, *windows), dx)

    y, dx = by_autograd(lambda x: F.avg_pool2d(x, kernel, stride, padding, divisor_override=1), x, dy=dy)
    close(sum_pool(x, *windows), y)
    close(sum_pool_backward(dy, size, *windows), dx)


# Beside each other, overlapping, overlapping and padded, with gaps, padded by more than half and on one side only.
@pytest.mark.parametrize(
    "windows", [(2,), (3, 2), (3, 1, 1), (2, 3), (3, 2, ((2, 0), (0, 2))), ((3, 2), (2, 1), "same")]
)
def test_gradients_are_those_of_finite_differences(windows):
    rng = np.random.default_rng(5)
    x = rng.permutation(2 * 2 * 7 * 6).reshape(2, 2, 7, 6) / 10  # no two equal: there the largest has no slope
    largest, winner = max_pool(x, *windows)
    dy = rng.normal(size=largest.shape)
    ours = {
        lambda x: max_pool(x, *windows)[0]: max_pool_backward(dy, winner, (7, 6), *windows),
        lambda x: average_pool(x, *windows): average_pool_backward(dy, (7, 6), *windows),
        lambda x: sum_pool(x, *windows): sum_pool_backward(dy, (7, 6), *windows),
    }
    for forward, dx in ours.items():
        (tried,) = by_finite_differences(forward, (x,), dy)
        np.testing.assert_allclose(dx, tried, rtol=1e-7, atol=1e-8)


def test_the_example_of_every_tutorial():
    x = np.array([[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]])[None, None]
    np.testing.assert_array_equal(max_pool(x, 2)[0][0, 0], [[6, 8], [3, 4]])
    np.testing.assert_array_equal(sum_pool(x, 2), 4 * average_pool(x, 2))


def test_of_equal_numbers_the_first_wins():
    _, winner = max_pool(np.zeros((1, 1, 2, 2)), 2)
    np.testing.assert_array_equal(max_pool_backward(np.ones((1, 1, 1, 1)), winner, (2, 2), 2)[0, 0], [[1, 0], [0, 0]])


def test_no_gradient_is_lost_and_none_is_made():
    """Maximum and average hand on exactly what they get (without padding); the sum hands it to every pixel."""
    rng = np.random.default_rng(0)
    x, dy = rng.normal(size=(1, 1, 7, 7)), rng.normal(size=(1, 1, 3, 3))
    _, winner = max_pool(x, 3, 2)
    assert max_pool_backward(dy, winner, (7, 7), 3, 2).sum() == pytest.approx(dy.sum())
    assert average_pool_backward(dy, (7, 7), 3, 2).sum() == pytest.approx(dy.sum())
    assert sum_pool_backward(dy, (7, 7), 3, 2).sum() == pytest.approx(9 * dy.sum())


@pytest.mark.parametrize(
    "windows, message",
    [
        ((2, 0), "stride must be at least 1, got 0"),
        ((0,), "kernel must be at least 1, got 0"),
        ((5,), "a window that spans 5 x 5 pixels does not fit into an image of 4 x 4"),
        ((2, 2, 2), "padding 2 must be smaller than the kernel of 2, or a window has no pixel"),
    ],
)
def test_impossible_settings_say_why(windows, message):
    with pytest.raises(ValueError, match=message):
        max_pool(np.ones((1, 1, 4, 4)), *windows)
