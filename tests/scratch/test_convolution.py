"""Convolution in NumPy: loops and matrix product agree with each other, with PyTorch, with SciPy and with trying."""

from __future__ import annotations

import numpy as np
import pytest
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from convscope.scratch.convolution import (
    convolve,
    convolve_backward,
    correlate,
    correlate_backward,
    correlate_loops,
    correlate_loops_backward,
    input_gradient_by_convolution,
)
from convscope.scratch.windows import Windows

from .gradients import by_autograd, by_finite_differences, close

pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


@st.composite
def settings_that_fit(draw):
    """Images, kernels and how the one goes over the other, with different numbers for rows and columns."""
    kernel, stride, dilation = draw(pairs), draw(pairs), draw(pairs)
    padding = draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    size = [draw(st.integers(max(span - 2 * p, 1), 7)) for span, p in zip(spans, padding, strict=True)]
    images, channels, maps = (draw(st.integers(1, 3)) for _ in range(3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x, w, b = (
        rng.normal(size=(images, channels, *size)),
        rng.normal(size=(maps, channels, *kernel)),
        rng.normal(size=maps),
    )
    return x, w, b, {"stride": stride, "padding": padding, "dilation": dilation}, rng


@settings(max_examples=80, deadline=None)
@given(settings_that_fit())
def test_forward_and_backward_are_those_of_torch(case):
    x, w, b, how, rng = case
    pads = tuple((p, p) for p in how["padding"])
    loops, fast = (f(x, w, b, how["stride"], pads, how["dilation"]) for f in (correlate_loops, correlate))
    dy = rng.normal(size=fast.shape)
    y, dx, dw, db = by_autograd(lambda x, w, b: F.conv2d(x, w, b, **how), x, w, b, dy=dy)
    close(loops, y)
    close(fast, y)
    for backward in (correlate_loops_backward, correlate_backward):
        for ours, theirs in zip(backward(dy, x, w, how["stride"], pads, how["dilation"]), (dx, dw, db), strict=True):
            close(ours, theirs)
    close(input_gradient_by_convolution(dy, x, w, how["stride"], pads, how["dilation"]), dx)


@pytest.mark.parametrize("padding", ["valid", "same", "full", 1, (1, 0), ((0, 2), (1, 0))])
@pytest.mark.parametrize("stride", [1, (2, 3)])
@pytest.mark.parametrize("forward, backward", [(correlate, correlate_backward), (convolve, convolve_backward)])
def test_gradients_are_those_of_finite_differences(forward, backward, stride, padding):
    rng = np.random.default_rng(3)
    x, w, b = rng.normal(size=(2, 2, 5, 6)), rng.normal(size=(3, 2, 2, 3)), rng.normal(size=3)
    dy = rng.normal(size=forward(x, w, b, stride, padding).shape)
    tried = by_finite_differences(lambda x, w, b: forward(x, w, b, stride, padding), (x, w, b), dy)
    for ours, seen in zip(backward(dy, x, w, stride, padding), tried, strict=True):
        np.testing.assert_allclose(ours, seen, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("kernel", [(1, 1), (2, 2), (3, 3), (4, 3), (2, 5)])
def test_true_convolution_is_that_of_scipy(mode, kernel):
    rng = np.random.default_rng(1)
    image, weights = rng.normal(size=(6, 7)), rng.normal(size=kernel)
    close(convolve(image[None, None], weights[None, None], padding=mode)[0, 0], signal.convolve2d(image, weights, mode))


@pytest.mark.filterwarnings("ignore:Using padding='same'")  # torch copies the input then, as we always do
@pytest.mark.parametrize("kernel, dilation", [(1, 1), (2, 1), (3, 1), (4, 1), (3, 2), ((2, 5), (3, 1))])
def test_same_is_that_of_torch(kernel, dilation):
    rng = np.random.default_rng(2)
    kernel = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    x, w = rng.normal(size=(1, 2, 8, 8)), rng.normal(size=(3, 2, *kernel))
    dy = rng.normal(size=(1, 3, 8, 8))
    y, dx, dw = by_autograd(lambda x, w: F.conv2d(x, w, padding="same", dilation=dilation), x, w, dy=dy)
    close(correlate(x, w, padding="same", dilation=dilation), y)
    ours = correlate_backward(dy, x, w, padding="same", dilation=dilation)
    close(ours[0], dx)
    close(ours[1], dw)
    close(input_gradient_by_convolution(dy, x, w, padding="same", dilation=dilation), dx)


def test_the_example_of_every_tutorial():
    image = np.array([[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]])
    kernel = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]])
    for form in (correlate_loops, correlate, convolve):
        np.testing.assert_array_equal(
            form(image[None, None], kernel[None, None])[0, 0], [[4, 3, 4], [2, 4, 3], [2, 3, 4]]
        )


def test_convolution_may_swap_its_arguments_and_correlation_may_not():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(1, 1, 4, 4)), rng.normal(size=(1, 1, 3, 3))
    close(convolve(a, b, padding="full"), convolve(b, a, padding="full"))
    assert not np.allclose(correlate(a, b, padding="full"), correlate(b, a, padding="full"))


def test_scatter_is_the_transpose_of_gather():
    windows = Windows((2, 3), stride=(1, 2), padding=((1, 0), (0, 2)), dilation=(2, 1))
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 3, 6, 7))
    gathered = windows.gather(x)
    other = rng.normal(size=gathered.shape)
    # <G x, z> = <x, G^T z>
    assert np.sum(gathered * other) == pytest.approx(np.sum(x * windows.scatter(other, (6, 7))), rel=1e-12)


@pytest.mark.parametrize(
    "padding, stride, rows", [("valid", 1, 5), ("same", 1, 7), ("full", 1, 9), ("same", 2, 4), (1, 3, 3)]
)
def test_output_sizes(padding, stride, rows):
    assert Windows(3, stride, padding).output_size((7, 7)) == (rows, rows)


def test_float32_stays_float32():
    x, w = np.ones((1, 1, 4, 4), np.float32), np.ones((1, 1, 2, 2), np.float32)
    assert correlate(x, w).dtype == correlate_loops(x, w).dtype == np.float32
    assert all(gradient.dtype == np.float32 for gradient in correlate_backward(correlate(x, w), x, w))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"stride": 0}, "stride must be at least 1, got 0: windows that do not move"),
        ({"stride": (1, -2)}, r"stride must be at least 1, got \(1, -2\)"),
        ({"stride": 1.5}, "stride must be a whole number, or two .* got 1.5"),
        ({"dilation": 0}, "dilation must be at least 1, got 0: 1 means that the pixels of a window are neighbours"),
        ({"padding": -1}, "padding must be at least 0, got -1: padding adds pixels, it cannot remove any"),
        ({"padding": "wide"}, "unknown padding 'wide': give numbers of pixels, or valid, same or full"),
        ({"padding": (1, 2, 3)}, r"padding must be a whole number, or two .* got \(1, 2, 3\)"),
        ({"dilation": 3}, "a window that spans 7 x 7 pixels does not fit into an image of 4 x 5"),
        ({"w": np.ones((1, 2, 5, 5))}, "a window that spans 5 x 5 pixels does not fit into an image of 4 x 5"),
        ({"w": np.ones((1, 2, 5, 5)), "padding": ((0, 0), (3, 3))}, r"of 4 x 11 \(padding included\)"),
        ({"w": np.ones((1, 3, 3, 3))}, "kernels and images need the same channels: kernels of 3, images of 2"),
        ({"w": np.ones((3, 3))}, "kernels come as F x C x kh x kw; got 2 dimensions: 3 x 3"),
        ({"w": np.ones((1, 2, 0, 3))}, "kernel must be at least 1, got .0, 3.: a window needs at least one pixel"),
        ({"x": np.ones((4, 5))}, "images come as N x C x H x W; got 2 dimensions: 4 x 5"),
    ],
)
def test_impossible_settings_say_why(changes, message):
    arguments = {"x": np.ones((1, 2, 4, 5)), "w": np.ones((1, 2, 3, 3)), **changes}
    for form in (correlate, correlate_loops, convolve):
        with pytest.raises(ValueError, match=message) as caught:
            form(**arguments)
        assert "\n" not in str(caught.value)
