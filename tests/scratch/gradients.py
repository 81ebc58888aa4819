"""Gradients to compare with: by PyTorch's autograd, and by finite differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

Array = np.ndarray


def close(ours: Array, theirs: Array | torch.Tensor) -> None:
    """Check for the same shape and for equality to 1e-10 of the largest number."""
    theirs = np.asarray(theirs)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10 * max(1.0, float(np.abs(theirs).max(initial=0))))


def by_autograd(function: Callable[..., torch.Tensor], *inputs: Array, dy: Array) -> tuple[Array, ...]:
    """Return the output of a torch function, and the gradient of sum(dy * output) by each input."""
    tensors = [torch.tensor(array, dtype=torch.float64, requires_grad=True) for array in inputs]
    output = function(*tensors)
    output.backward(torch.tensor(dy))
    return output.detach().numpy(), *(tensor.grad.numpy() for tensor in tensors)


def by_finite_differences(
    function: Callable[..., Array], inputs: Sequence[Array], dy: Array, h: float = 1e-5
) -> list[Array]:
    """Return the gradient of sum(dy * output) by each input: change one number a little in both directions."""
    gradients = []
    for array in inputs:
        gradient = np.zeros_like(array)
        for place in np.ndindex(*array.shape):
            before = array[place]
            array[place] = before + h
            above = np.sum(dy * function(*inputs))
            array[place] = before - h
            below = np.sum(dy * function(*inputs))
            array[place] = before
            gradient[place] = (above - below) / (2 * h)
        gradients.append(gradient)
    return gradients
