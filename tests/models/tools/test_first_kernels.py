"""Designed kernels in the first layer of a network."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import convscope as cs
from convscope.models.tools.first_kernels import set_first_kernels


@pytest.mark.parametrize(
    ("name", "path"),
    [("resnet18", "conv1"), ("densenet40_k12", "features.conv0"), ("lenet_relu", "features.0"), ("lenet5", "C1"),
     ("efficientnet_b0", "features.0.0")],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["gabor", "haar"])
def test_the_first_layer_of_any_network(name, path, kind):
    torch.manual_seed(0)
    network = cs.create_model(name)
    layer = network.get_submodule(path)
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    size = layer.weight.flatten(1).norm(dim=1).mean().detach()
    assert set_first_kernels(network, kind) == path
    changed = {key for key, tensor in network.state_dict().items() if not torch.equal(tensor, before[key])}
    assert f"{path}.weight" in changed and changed <= {f"{path}.weight", f"{path}.bias"}
    norms = layer.weight.detach().flatten(1).norm(dim=1)
    torch.testing.assert_close(norms, size.expand_as(norms), rtol=1e-4, atol=1e-6)
    assert layer.bias is None or not layer.bias.any()


def sgd_step(network: nn.Module) -> None:
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    F.cross_entropy(network(torch.randn(4, 1, 28, 28)), torch.arange(4)).backward()
    optimizer.step()


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("kind", ["gabor", "haar"])
def test_a_frozen_layer_stays_and_another_learns(kind, frozen):
    torch.manual_seed(0)
    network = cs.create_model("mnist_cnn")
    path = set_first_kernels(network, kind, frozen)
    assert path == "layer1.0"
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    sgd_step(network)
    moved = {key for key, tensor in network.state_dict().items() if not torch.equal(tensor, before[key])}
    own = {"layer1.0.weight", "layer1.0.bias"}
    assert moved == set(before) - own if frozen else moved == set(before)
    parameters = cs.summary(network, (1, 28, 28)).parameters
    assert parameters == 2_327_818 - (160 if frozen else 0)


def test_errors_are_one_line():
    with pytest.raises(ValueError, match=r"^unknown kernels 'sobel'; choose gabor or haar$"):
        set_first_kernels(cs.create_model("lenet_relu"), "sobel")
    with pytest.raises(ValueError, match=r"^Perceptron has no convolution$"):
        set_first_kernels(cs.create_model("mlp"), "haar")
    with pytest.raises(ValueError, match=r"^kernels must be square; those of 0 are 1 x 3$"):
        set_first_kernels(nn.Sequential(nn.Conv2d(1, 2, (1, 3))), "haar")


def test_a_network_on_two_devices_is_refused():
    whole = cs.create_model("alexnet_2012", num_classes=3)
    assert set_first_kernels(whole, "gabor") == "features.0"
    parts = cs.create_model("alexnet_2012", num_classes=3, devices=("cpu", "cpu"))
    with pytest.raises(ValueError, match="TwoTowers divides its first layer between devices; build it without devices"):
        set_first_kernels(parts, "gabor")
