"""The optimizers: torch's own where it has them, and Muon against the singular value decomposition."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import convscope as cs
from convscope.training.loop.optimizer import Muon, make_optimizer, orthogonal


def recipe(**values) -> cs.Recipe:
    return cs.Recipe().changed(**values)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(2, 6, 3, bias=False), nn.BatchNorm2d(6), nn.Flatten(), nn.Linear(96, 3))


def test_the_optimizers_are_those_of_the_recipe():
    sgd = make_optimizer(network(), recipe(optimizer="sgd", momentum=0.8, nesterov=True, weight_decay=0.1))
    assert isinstance(sgd, torch.optim.SGD) and sgd.defaults["nesterov"] and sgd.defaults["momentum"] == 0.8
    assert [group["weight_decay"] for group in sgd.param_groups] == [0.1, 0.0]
    assert [p.ndim for group in sgd.param_groups for p in group["params"]] == [4, 2, 1, 1, 1]
    assert type(make_optimizer(network(), recipe(optimizer="adamw"))) is torch.optim.AdamW
    assert isinstance(make_optimizer(network(), recipe(optimizer="muon")), Muon)


@pytest.mark.parametrize("shape", [(6, 40), (40, 6), (16, 16), (1, 9)])
def test_orthogonal_keeps_the_directions_and_levels_the_singular_values(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    found = orthogonal(matrix, steps=8)
    in_its_axes = u.T @ found @ v.T
    values = in_its_axes.diagonal()
    assert values.min() > 0.6 and values.max() < 1.3
    torch.testing.assert_close(in_its_axes, torch.diag(values), atol=1e-8, rtol=0)


def test_muon_steps_by_its_rate_and_leaves_the_rest_to_adamw():
    ours, theirs = network(), network()
    muon = make_optimizer(ours, recipe(optimizer="muon", lr=0.1, adam_lr=0.02, momentum=0.6))
    rest = [p for p in theirs.parameters() if p.ndim != 4]
    adamw = torch.optim.AdamW(rest, lr=0.02, weight_decay=0.0, betas=(0.9, 0.95))
    images = torch.randn(8, 2, 6, 6, generator=torch.Generator().manual_seed(2))
    velocity = torch.zeros_like(theirs[0].weight)
    for _ in range(3):
        kernel = ours[0].weight.detach().clone()
        for net, optimizer in ((ours, muon), (theirs, adamw)):
            theirs[0].weight.data.copy_(kernel)
            optimizer.zero_grad()
            net(images).square().sum().backward()
        gradient = ours[0].weight.grad.clone()
        muon.step()
        adamw.step()
        velocity = 0.6 * velocity + gradient
        step = orthogonal((gradient + 0.6 * velocity).flatten(1)).view_as(kernel)
        torch.testing.assert_close(ours[0].weight.detach(), kernel * 6**0.5 / kernel.norm() - 0.1 * step)
        theirs[0].weight.grad = None
        for mine, other in zip(list(ours.parameters())[1:], list(theirs.parameters())[1:], strict=True):
            torch.testing.assert_close(mine, other)


def test_muon_goes_on_where_it_was(tmp_path):
    options = {"optimizer": "muon", "lr": 0.1, "momentum": 0.6, "schedule": "constant", "progressive": False}
    options |= {"precision": "float32", "layout": "channels-last", "output": tmp_path, "show": False}
    whole = cs.train("digits", "mnist_fast", epochs=3, **options)
    longer = cs.resume(cs.train("digits", "mnist_fast", epochs=2, **options).folder, epochs=3, show=False)
    assert whole.history[-1]["train/loss"] == longer.history[-1]["train/loss"]
