"""The head of a network: found along autograd's graph, not by names, and nothing is touched."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import convscope as cs
from convscope.models import CATALOGUE
from convscope.models.tools.head import find_head
from convscope.models.tools.pretrained import WEIGHTS


@pytest.mark.parametrize("name", ["alexnet", "vgg11_bn", "resnet18", "googlenet_bn", "densenet121", "efficientnet_b0"])
def test_the_head_is_the_one_that_the_table_of_weights_names(name):
    with torch.device("meta"):
        network = cs.create_model(name, num_classes=7)
        assert find_head(network, torch.empty(2, *CATALOGUE[name].input_size)) == sorted(WEIGHTS[name].head)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("lenet5", ["F6"]),
        ("nin_cifar", ["features.mlpconv3.cccp2"]),
        ("cifar_fast", ["head"]),
        ("resnet20", ["linear"]),
    ],
)
def test_networks_without_public_weights_have_a_head_too(name, head):
    with torch.device("meta"):
        network = cs.create_model(name, num_classes=64)  # as many as some convolution of the body
        assert find_head(network, torch.empty(2, *CATALOGUE[name].input_size)) == head


def test_a_norm_before_a_layer_without_bias_is_no_head_and_nothing_is_touched():
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Linear(5, 3, bias=False)).eval()
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    images, state = torch.ones(6, 1, 2, 2), torch.get_rng_state()
    assert find_head(network, images) == ["3"] and not network.training
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(network.state_dict()[key], tensor) for key, tensor in before.items())
