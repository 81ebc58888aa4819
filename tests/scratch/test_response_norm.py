"""Local response normalisation, against PyTorch's and ours."""

from __future__ import annotations

import numpy as np
import pytest
import torch.nn.functional as F

from convscope.models.tools.layers import LocalResponseNorm as TorchLocalResponseNorm
from convscope.scratch.response_norm import local_response_norm, local_response_norm_backward

from .gradients import by_autograd, by_finite_differences, close

rng = np.random.default_rng(7)


@pytest.mark.parametrize("size, maps", [(1, 3), (3, 6), (5, 3), (5, 8)])
def test_local_response_norm(size, maps):
    x, dy = rng.normal(0, 3, (2, maps, 3, 4)), rng.normal(size=(2, maps, 3, 4))
    constants = {"alpha": 0.3, "beta": 0.75, "k": 2.0}
    for theirs in (
        lambda x: F.local_response_norm(x, size, alpha=0.3 * size, beta=0.75, k=2.0),
        TorchLocalResponseNorm(size, **constants),
    ):
        y, dx = by_autograd(theirs, x, dy=dy)
        ours, s = local_response_norm(x, size, **constants)
        close(ours, y)
        close(local_response_norm_backward(dy, x, s, size, 0.3, 0.75), dx)
    (tried,) = by_finite_differences(lambda x: local_response_norm(x, size, **constants)[0], (x,), dy)
    np.testing.assert_allclose(local_response_norm_backward(dy, x, s, size, 0.3, 0.75), tried, rtol=1e-6, atol=1e-8)


def test_local_response_norm_has_a_middle():
    with pytest.raises(ValueError, match="size must be odd, got 4"):
        local_response_norm(np.ones((1, 4, 1, 1)), 4)
