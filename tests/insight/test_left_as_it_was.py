"""What a look into a network must leave alone, and what it cannot look into: shared layers, caches, checkpoints."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from convscope.insight import attribute, summary, trace

from .test_any_module import IMAGES, Net


class Remembering(nn.Module):
    """A layer under two names, and caches that the first pass fills, as networks of timm have them."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.features = nn.Sequential(self.conv, nn.ReLU())
        self.cache, self.places = {}, None

    def forward(self, x):
        if self.places is None:
            self.places = torch.arange(x.shape[-1], device=x.device)
        if "scale" not in self.cache:
            self.cache["scale"] = self.conv.bias.view(1, -1, 1, 1) * 2
        return self.features(x) * self.cache["scale"] + self.places


def test_a_summary_leaves_shared_layers_and_caches_as_they_were():
    network = Remembering().eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert summary(network, (3, 16, 16)).parameters == 3 * 4 * 9 + 4
    assert network.cache == {} and network.places is None
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert network(IMAGES).isfinite().all() and trace(network, IMAGES[:1]).nodes


@pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad:UserWarning")
@pytest.mark.parametrize("method", ["integrated-gradients", "saliency"])
def test_checkpoints_that_hide_gradients_are_named(method):
    def ends(self, maps):
        return self.head(checkpoint(torch.relu, maps, use_reentrant=True).mean((2, 3)))

    with pytest.raises(ValueError, match="the network checkpoints its activations"):
        attribute(Net(ends).eval(), IMAGES, method, 0)
