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
LARGER = ("mnist_fast", "nin_cifar", "resnet20")
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
    """A network with random weights, whose norms have seen some images: fresh ones would all be alike.

    With statistics that are not those of its values, those of the deepest networks grow beyond all bounds.
    """
    torch.manual_seed(3)
    network = create_model(name)
    size = getattr(network, "input_size", None) or CATALOGUE[name].input_size
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None  # the mean over all passes
        nn.init.uniform_(norm.weight, 0.8, 1.2)
        nn.init.uniform_(norm.bias, -0.1, 0.1)
    if norms:
        with torch.no_grad():
            network.train()(torch.randn(4, *size))
    return network.eval(), size


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
    """Every output within 1e-4 and every gradient within `of_gradient`, or as near as PyTorch is to itself.

    A thousand layers turn the last digit of an image into the third of an answer, so PyTorch's own answer to the
    image with another last digit says how near another implementation can be.
    """
    network, size = some_network(name)
    batch = torch.randn(images, *size)
    labels = torch.arange(images) % 7
    argument = {"images": images, "labels": labels.tolist(), "simd": simd, "values": VALUES}
    loss, found = engine.run(describe_network(network, size), SCRIPT, argument, images=batch.numpy())
    trace, gradients, weights, expected_loss = everything(network, batch, labels)
    near = everything(network, batch * (1 + 1e-7), labels)
    assert loss == pytest.approx(expected_loss, rel=1e-4, abs=3 * abs(near[3] - expected_loss))
    for node in trace:
        ours, theirs, other = found[f"output:{node}"], trace[node], near[0][node]
        lowest = np.isneginf(theirs)  # a border of -inf before a maximum, which the engine makes of a large number
        assert (ours[lowest] < -1e38).all()
        ours, theirs, other = ours[~lowest], theirs[~lowest], other[~lowest]
        assert distance(ours, theirs) < max(1e-4, 3 * distance(other, theirs)), node
        if f"gradient:{node}" in found:
            allowed = max(of_gradient, 3 * spread(near[1][node], gradients[node]))
            assert spread(found[f"gradient:{node}"], gradients[node]) < allowed, node
        else:
            assert not gradients[node].any()
    for name, weight in weights.items():
        assert spread(found[f"tensor:{name}"], weight) < max(of_gradient, 3 * spread(near[2][name], weight)), name


def everything(
    network: nn.Module, batch: torch.Tensor, labels: torch.Tensor
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, np.ndarray], float]:
    """Of PyTorch: each layer's output and its gradient, the gradient of each weight, and the loss."""
    trace, gradients = insight.trace(network, batch), insight.gradients(network, batch, labels, loss_of(network))
    network.zero_grad()
    loss = loss_of(network)(network(batch), labels)
    loss.backward()
    return (
        {node.name: sampled(trace.output(node.name)) for node in trace.nodes},
        {node.name: sampled(gradients[node.name]) for node in trace.nodes},
        {
            name: weight.grad.numpy().ravel().copy()
            for name, weight in network.named_parameters()
            if weight.grad is not None
        },
        loss.item(),
    )


# Without SIMD, the smaller ones have every kind of operation; the slow run has them all.
@pytest.mark.parametrize(
    ("name", "simd"),
    [
        pytest.param(name, simd, marks=pytest.mark.slow if not simd and name in LARGER else ())
        for name in SAMPLE
        for simd in (True, False)
    ],
)
def test_a_network_equals_pytorch(engine: Engine, name: str, simd: bool):
    compare(engine, name, 2, simd)


@pytest.mark.slow
@pytest.mark.timeout(3600)  # minutes for a network of a thousand layers on a busy machine
@pytest.mark.parametrize("name", [name for name in CATALOGUE if name not in LARGE])
def test_every_network_of_fewer_than_40_million_parameters_equals_pytorch(fresh_engine: Engine, name: str):
    compare(fresh_engine, name, 1, of_gradient=0.05)


@pytest.mark.slow
def test_only_large_networks_are_left_out():
    with torch.device("meta"):
        assert all(sum(p.numel() for p in create_model(name).parameters()) >= LARGEST for name in LARGE)
