"""A network that is hard to explain, the same written for Captum, and a check that a network is untouched."""

from __future__ import annotations

import torch.nn.functional as F
from torch import nn

from ..hooks import hooks_of


class Own(nn.Module):
    """A user's network: functional and in-place ReLUs, one module used twice, an addition."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 6, 3, padding=1)
        self.act = nn.ReLU(inplace=True)
        self.head = nn.Linear(6 * 16, 4)

    def forward(self, x):
        x = self.act(self.one(x))
        x = self.act(x + self.two(x))
        x = F.max_pool2d(F.relu(self.two(x), inplace=True), 4)
        return self.head(x.flatten(1).relu_())


class Plain(nn.Module):
    """The same arithmetic with one module per ReLU, as Captum needs it."""

    def __init__(self, own):
        super().__init__()
        self.own, self.acts = own, nn.ModuleList(nn.ReLU() for _ in range(4))

    def forward(self, x):
        own, acts = self.own, self.acts
        x = acts[0](own.one(x))
        x = acts[1](x + own.two(x))
        x = F.max_pool2d(acts[2](own.two(x)), 4)
        return own.head(acts[3](x.flatten(1)))


def sums(network):
    return {key: float(value.double().sum()) for key, value in network.state_dict().items()}


def assert_untouched(network, before):
    assert all(module.training for module in network.modules())
    assert all(p.grad is None for p in network.parameters())
    assert sums(network) == before
    assert hooks_of(network) == 0
