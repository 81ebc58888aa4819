"""Which modules of a network are put together at a time; test_processes.py trains with them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import convscope as cs
from convscope.distributed import is_sharded, like_parameter, whole
from convscope.distributed.sharded import units
from convscope.errors import UsageError
from convscope.models import shapes_alone


def test_the_large_layers_of_vgg_are_put_together_one_at_a_time():
    network = shapes_alone("vgg16", num_classes=10, in_channels=3)
    names = {module: name for name, module in network.named_modules()}
    found = [names[unit] for unit in units(network, torch.zeros(2, 3, 224, 224, device="meta"))]
    largest = max(network.named_parameters(), key=lambda pair: pair[1].numel())[0].rpartition(".")[0]
    assert largest in found and "" not in found and len(found) < 17
    assert network.training and not any(module._forward_hooks for module in network.modules())


class Unusual(nn.Module):
    """Layers that are never called, called twice, or share their weights: none can be put together by itself."""

    def __init__(self):
        super().__init__()
        self.uncalled, self.twice, self.once = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)
        self.first, self.tied = nn.Linear(4, 4), nn.Linear(4, 4)
        self.tied.weight = self.first.weight

    def forward(self, x):
        x = nn.functional.linear(x, self.uncalled.weight)
        return self.tied(self.first(self.once(self.twice(self.twice(x)))))


def test_a_layer_whose_call_does_not_tell_when_it_computes_stays_with_the_whole():
    network = Unusual()
    assert units(network, torch.zeros(2, 4)) == [network.once]


def test_whole_networks_are_left_as_they_are():
    network = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    assert not is_sharded(network)
    tensors = dict(network.named_parameters())
    assert whole(tensors, keep=False) == tensors
    assert like_parameter(torch.ones(4, 3, 3, 3), network.weight).stride() == network.weight.stride()


@pytest.mark.parametrize(
    "options", [{"optimizer": "muon"}, {"ema_decay": 0.9}, {"freeze": True}, {"layout": "channels-last"}]
)
def test_what_needs_whole_weights_is_refused(options):
    with pytest.raises(UsageError, match=f"shard_weights divides all layers alike, and {next(iter(options))}"):
        cs.Recipe(shard_weights=True, **options)
