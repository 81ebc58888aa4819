"""Gradient descent, against PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from convscope.scratch.sgd import SGD

from .gradients import close

rng = np.random.default_rng(7)


@pytest.mark.parametrize("momentum, weight_decay", [(0, 0), (0.9, 0), (0.9, 0.01), (0, 0.01)])
def test_sgd_steps_as_that_of_torch(momentum, weight_decay):
    weight = rng.normal(size=(4, 3))
    tensor = torch.nn.Parameter(torch.tensor(weight))
    theirs = torch.optim.SGD([tensor], 0.1, momentum, weight_decay=weight_decay)
    ours = SGD({"weight": weight}, 0.1, momentum, weight_decay)
    for _ in range(5):
        gradient = rng.normal(size=weight.shape)
        tensor.grad = torch.tensor(gradient)
        theirs.step()
        ours.step({"weight": gradient})
        close(weight, tensor.detach())
