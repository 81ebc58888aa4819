"""Whole networks in the page's engine: every layer's output and gradient equal PyTorch's, in a real browser."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from convscope import insight
from convscope.evaluation.metrics import loss_of
from convscope.export.engine import describe_network
from convscope.models import CATALOGUE, create_model

from .conftest import Engine, distance

SCRIPT = """
const network = await load({ simd: argument.simd });
const { lossOf } = await import("/engine/loss.js");
const pass = network.forward(await floats("images"), { images: argument.images });
const { loss, gradient } = lossOf(network.graph.loss, network.logits(pass), argument.labels);
pass.backward(new Map([[network.graph.answer, gradient]]));
const { nodes, tensors } = network.graph;
const sampled = (array) => array?.filter((_, i) => i % Math.ceil(array.length / argument.values) === 0);
await give(Object.fromEntries([
  ...nodes.map(({ name, value }) => [`output:${name}`, sampled(pass.values[value])]),
  ...nodes.map(({ name, value }) => [`gradient:${name}`, sampled(pass.gradients[value])]),
  ...tensors.map(({ name }, i) => [`tensor:${name}`, pass.tensorGradients[i]]),
]));
return loss;
"""
SAMPLE = ("mlp", "lenet5", "lenet_relu", "lenet_sigmoid", "mnist_fast", "nin_cifar", "resnet20")
# Networks of 40 million parameters and more, which no page should carry.
LARGE = {
    "alexnet_2012", "alexnet_227", "alexnet", "zfnet", "vgg11", "vgg11_lrn", "vgg13", "vgg16_c", "vgg16", "vgg19",
    "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn", "googlenet_naive", "inception_v4", "inception_resnet_v2",
    "resnet101", "resnet152", "efficientnet_b6", "efficientnet_b7",
}  # fmt: skip
LARGEST = 40_000_000
# Of each layer, at most this many values are compared, evenly spread.
VALUES = 20_000


def some_network(name: str) -> tuple[nn.Module, tuple[int, ...]]:
    """A network with random weights, whose norms have seen something: fresh ones would all be alike."""
    torch.manual_seed(3)
    network = create_model(name).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return network, getattr(network, "input_size", None) or CATALOGUE[name].input_size


def sampled(tensor: torch.Tensor) -> np.ndarray:
    flat = tensor.detach().flatten()
    return flat[:: -(-len(flat) // VALUES)].numpy()


def spread(found: np.ndarray, expected: np.ndarray) -> float:
    """The length of the difference by that of the expected gradient.

    A rounding error decides which of two nearly equal values is a maximum, and whether a ReLU whose input is nearly 0
    lets the gradient pass: a millionth of noise on the image changes PyTorch's own gradients of ResNet-18 by 1.7 %.
    Operation by operation (`test_engine_operations.py`), gradients are compared value by value, within 1e-4.
    """
    expected = np.asarray(expected).ravel()
    return float(np.linalg.norm(found - expected) / max(np.linalg.norm(expected), 1e-12))


def compare(engine: Engine, name: str, images: int, simd: bool = True, of_gradient: float = 1e-3) -> None:
    network, size = some_network(name)
    batch = torch.randn(images, *size)
    labels = torch.arange(images) % 7
    expected = insight.trace(network, batch)
    gradients = insight.gradients(network, batch, labels, loss_of(network))
    argument = {"images": images, "labels": labels.tolist(), "simd": simd, "values": VALUES}
    loss, found = engine.run(describe_network(network, size), SCRIPT, argument, images=batch.numpy())
    logits = network(batch)
    value = loss_of(network)(logits, labels)
    assert loss == pytest.approx(value.item(), rel=1e-4)
    value.backward()
    for node in expected.nodes:
        assert distance(found[f"output:{node.name}"], sampled(expected.output(node.name))) < 1e-4, node.name
        if f"gradient:{node.name}" in found:
            assert spread(found[f"gradient:{node.name}"], sampled(gradients[node.name])) < of_gradient, node.name
        else:
            assert not gradients[node.name].any()
    for name, parameter in network.named_parameters():
        if parameter.grad is not None:
            assert spread(found[f"tensor:{name}"], parameter.grad.numpy()) < of_gradient, name


@pytest.mark.parametrize("simd", [True, False], ids=["simd", "plain"])
@pytest.mark.parametrize("name", SAMPLE)
def test_a_network_equals_pytorch(engine: Engine, name: str, simd: bool):
    compare(engine, name, 2, simd)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CATALOGUE if name not in LARGE])
def test_every_network_of_fewer_than_40_million_parameters_equals_pytorch(fresh_engine: Engine, name: str):
    compare(fresh_engine, name, 1, of_gradient=0.05)


@pytest.mark.slow
def test_only_large_networks_are_left_out():
    with torch.device("meta"):
        assert all(sum(p.numel() for p in create_model(name).parameters()) >= LARGEST for name in LARGE)
