"""The backward rules of ReLU, however a network writes it."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from convscope.insight.attribution.relu_backward import ReluBackward


def test_every_way_to_write_relu_has_the_rule():
    x = torch.randn(50)
    spellings = [F.relu, torch.relu, torch.Tensor.relu, nn.ReLU(), F.relu_, torch.relu_, torch.Tensor.relu_]
    spellings.append(nn.ReLU(inplace=True))
    for rule in ("guided", "deconvnet"):
        for relu in spellings:
            leaf = x.clone().requires_grad_()
            with ReluBackward(rule):
                y = relu(leaf * 2)
            (gradient,) = torch.autograd.grad(y, leaf, torch.linspace(-1, 1, 50))
            expected = 2 * torch.linspace(-1, 1, 50).relu() * (x > 0 if rule == "guided" else 1)
            assert y.equal((2 * x).relu()) and gradient.equal(expected)
        with ReluBackward(rule):
            capped = F.relu6(x * 9)
        assert capped.equal(F.relu6(x * 9))
    changed = x.clone()
    with ReluBackward("guided"):
        torch.relu_(changed)
    assert changed.equal(x.relu())  # in place is in place
    with pytest.raises(ValueError, match="unknown rule 'x': choose one of deconvnet, guided"):
        ReluBackward("x")
