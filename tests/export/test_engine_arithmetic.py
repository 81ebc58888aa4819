"""The engine takes a value apart as `convscope.insight.arithmetic` does, term by term."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from convscope import insight
from convscope.export.engine import describe_network

from .conftest import Engine
from .test_engine_networks import some_network
from .test_engine_operations import LAYERS, MAPS

SCRIPT = """
const network = await load();
const { arithmeticOf } = await import("/engine/arithmetic/arithmetic.js");
const pass = network.forward(await floats("images"));
return argument.places.map(([name, place]) => arithmeticOf(network, pass, network.nodes.get(name), place));
"""
NETWORKS = ("lenet5", "lenet_relu", "lenet_sigmoid", "resnet20", "nin_cifar")


# Taken apart here by local gradients, the weights of which say the same.
BY_GRADIENT = {"add with alpha", "product of matrices"}


def places_of(trace: insight.Trace, generator: torch.Generator) -> list[tuple[str, list[int]]]:
    """Two values of every node: the first, and one anywhere."""
    found = []
    for node in trace.nodes[1:]:
        if len(node.shape) > 3:
            continue
        anywhere = [int(torch.randint(side, (), generator=generator)) for side in node.shape]
        found += [(node.name, [0] * len(node.shape)), (node.name, anywhere)]
    return found


def key(term: dict[str, Any]) -> tuple[str, list[int]]:
    return term["input"], [-1000 if i is None else i for i in term["index"]]


def near(found: float | None, expected: float | None) -> bool:
    return found == (None if expected is None else pytest.approx(expected, rel=1e-4, abs=1e-4))


def same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    names = ("layer", "kind", "type", "index", "operation", "formula", "grid")
    assert {name: found[name] for name in names} == {name: expected[name] for name in names}
    for name in ("value", "network_value", "bias"):
        assert near(found[name], expected[name]), name
    assert found["partial_sums"] == pytest.approx(expected["partial_sums"], rel=1e-4, abs=1e-4)
    assert len(found["terms"]) == len(expected["terms"])
    pairs = zip(sorted(found["terms"], key=key), sorted(expected["terms"], key=key), strict=True)
    for own, other in pairs:
        assert key(own) == key(other)
        assert (own["padded"], own["chosen"]) == (other["padded"], other["chosen"])
        for name in ("value", "weight", "product"):
            assert near(own[name], other[name]), name


def compare(engine: Engine, network: nn.Module, size: tuple[int, ...], by_gradient: bool = False) -> None:
    generator = torch.Generator().manual_seed(2)
    images = torch.randn(1, *size, generator=generator)
    trace = insight.trace(network, images)
    places = places_of(trace, generator)
    answers, _ = engine.run(describe_network(network, size), SCRIPT, {"places": places}, images=images.numpy())
    for (name, place), found in zip(places, answers, strict=True):
        expected = insight.arithmetic(trace, name, *place).to_dict()
        if by_gradient or expected["operation"] == "composite" or expected["formula"] == "rdiv(x)":
            assert found["operation"] in ("composite", "copy", "sum of products", "function")
            assert found["value"] == pytest.approx(expected["network_value"], rel=1e-4, abs=1e-4)
        else:
            same(found, expected)


@pytest.mark.parametrize("name", LAYERS)
def test_a_value_of_every_operation_is_taken_apart(engine: Engine, name: str):
    torch.manual_seed(1)
    compare(engine, LAYERS[name].eval(), MAPS, name in BY_GRADIENT)


@pytest.mark.parametrize("name", NETWORKS)
def test_values_of_a_network_are_taken_apart(engine: Engine, name: str):
    network, size = some_network(name)
    compare(engine, network, size)
