"""The backward rules of ReLU, however a network writes it."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from convscope.insight import attribute
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


class Assigned(nn.Module):
    def forward(self, x):
        x[x < 0] = 0
        return x


WORDS = {
    "clamp": lambda x: x.clamp(min=0),
    "clamp in place": lambda x: x.clamp_(min=0.0),
    "clamp to zeros": lambda x: torch.clamp(x, torch.zeros(())),
    "clip": lambda x: torch.clip(x, 0),
    "clamp_min": lambda x: x.clamp_min(0),
    "clamp_min in place": lambda x: torch.clamp_min_(x, 0),
    "threshold": nn.Threshold(0.0, 0.0),
    "threshold in place": lambda x: F.threshold_(x, 0.0, 0.0),
    "leaky of 0": nn.LeakyReLU(0.0, inplace=True),
    "maximum": lambda x: torch.maximum(x, torch.zeros_like(x)),
    "zeros first": lambda x: torch.maximum(torch.zeros(1), x),
    "max": lambda x: torch.max(x, torch.zeros_like(x)),
    "fmax": lambda x: x.fmax(torch.tensor(0.0)),
    "where": lambda x: torch.where(x > 0, x, 0.0),
    "where negative": lambda x: torch.where(x.detach() <= 0, torch.zeros_like(x), x),
    "where method": lambda x: x.where(x > 0, torch.zeros(())),
    "where by words": lambda x: torch.where(condition=x >= 0, input=x, other=torch.zeros_like(x)),
    "where not": lambda x: torch.where(~(x < 0), x, 0.0),
    "masked_fill": lambda x: x.masked_fill(x < 0, 0.0),
    "masked_fill in place": lambda x: x.masked_fill_(~(x > 0), 0),
    "product": lambda x: x * (x > 0),
    "product in place": lambda x: x.mul_(x > 0),
    "product with numbers": lambda x: (x > 0).float() * x,
    "assigned": Assigned(),
    "aten": lambda x: torch.ops.aten.relu.default(x),
}


def projection(rule, function, x, gradient):
    leaf = x.clone().requires_grad_()
    with ReluBackward(rule) as found:
        y = function(leaf * 2)
    return y, torch.autograd.grad(y, leaf, gradient)[0], found.found


@pytest.mark.parametrize("rule", ["guided", "deconvnet"])
@pytest.mark.parametrize("words", WORDS)
def test_relu_in_other_words(words, rule):
    x, gradient = torch.randn(4, 5), torch.randn(4, 5)
    y, found, count = projection(rule, WORDS[words], x, gradient)
    expected, right, _ = projection(rule, nn.ReLU(), x, gradient)
    assert y.equal(expected) and found.equal(right) and count == 1


@pytest.mark.parametrize("rule", ["guided", "deconvnet"])
@pytest.mark.parametrize(
    "capped", [nn.Hardtanh(0, 6), nn.Hardtanh(0.0, 6.0, inplace=True), lambda x: x.clamp(0, 6), lambda x: x.clip_(0, 6)]
)
def test_relu6_in_other_words(capped, rule):
    x, gradient = 9 * torch.randn(4, 5), torch.randn(4, 5)
    y, found, _ = projection(rule, capped, x, gradient)
    expected, right, _ = projection(rule, nn.ReLU6(), x, gradient)
    assert y.equal(expected) and found.equal(right)


@pytest.mark.parametrize(
    "other",
    [
        nn.LeakyReLU(0.1), nn.Hardtanh(), nn.Threshold(0.0, 1.0), nn.GELU(), nn.Softplus(),
        lambda x: x.clamp(min=-1), lambda x: x.clamp(max=0), lambda x: torch.maximum(x, x.detach() * 0.5),
        lambda x: torch.minimum(x, torch.zeros_like(x)), lambda x: x.max(0)[0].expand(4, 5), lambda x: x * 0,
        lambda x: torch.where(x > 0, 0.0, x), lambda x: torch.where(x > 0, x, 1.0), lambda x: x.masked_fill(x > 0, 0.0),
        lambda x: torch.where(x + 1 > 0, x, 0.0), lambda x: torch.where(x > 1, x, 0.0), lambda x: x * (x > 0.5),
        lambda x: torch.where(x[0] > 0, x, 0.0), lambda x: x.abs() * (x > 0),
        lambda x: torch.where(torch.ones(4, 5) > 0, x, 0.0),
    ],
)  # fmt: skip
def test_what_is_no_relu_keeps_its_gradient(other):
    x, gradient = torch.randn(4, 5), torch.randn(4, 5)
    leaf = x.clone().requires_grad_()
    (right,) = torch.autograd.grad(other(leaf * 2), leaf, gradient)
    _, found, count = projection("guided", other, x, gradient)
    assert found.equal(right) and count == 0


def test_a_cut_above_zero_passes_what_it_lets_through():
    x, gradient = torch.randn(50), torch.randn(50)
    y, found, _ = projection("guided", nn.Threshold(0.5, 0.0), x, gradient)
    assert y.equal(F.threshold(2 * x, 0.5, 0.0)) and found.equal(2 * gradient.relu() * (2 * x > 0.5))


@pytest.mark.parametrize("method", ["guided-backprop", "deconvnet"])
def test_whole_networks_get_the_map_of_the_network_with_relu_layers(method, caplog):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 6, 3, stride=2)
            self.head, self.acts = nn.Linear(6, 4), [nn.ReLU()]

        def forward(self, x):
            (act,) = self.acts
            return self.head(act(self.two(act(self.one(x)))).mean((2, 3)))

    network, images = Net(), torch.rand(2, 3, 12, 12)
    right = attribute(network, images, method, 1)
    for act in WORDS.values():
        network.acts = [act]
        torch.testing.assert_close(attribute(network, images, method, 1), right)
    assert not caplog.records
    network.acts = [nn.Sigmoid()]
    plain = attribute(network, images, method, 1)
    assert [record.getMessage() for record in caplog.records] == [
        f"{method} found no ReLU in this network, so that its map is the plain gradient: choose saliency"
    ]
    leaf = images.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(network(leaf)[:, 1].sum(), leaf)
    torch.testing.assert_close(plain, gradient.sum(1))
