"""Describe a network for the page's engine: trace it once and translate every call of the trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import ModelFileError, UsageError
from ...finite_json import finite
from ...insight.tracing.graph import Node, Ref, Trace
from ...insight.tracing.trace import record
from ...models.lenet import LeNet5
from .builder import Builder, UnsupportedError
from .calls import translate
from .fields import receptive_fields
from .weights import PRECISIONS

FORMAT = 1


@dataclass(frozen=True)
class EngineNetwork:
    """A network as the engine reads it: `graph` is JSON, and its tensors' offsets point into `weights`."""

    graph: dict[str, Any]
    weights: bytes


def describe_network(network: nn.Module, input_size: Sequence[int], precision: str = "float32") -> EngineNetwork:
    """Return `network` for images of `input_size` (channels, height, width), weights in one of `PRECISIONS`.

    The graph has `nodes` and `groups` as the trace gives them (each node with the number of its `value`), `operations`
    in the order in which they run, `tensors`, the `answer` (the value with the logits), the `loss` of a training, and
    `fields`, the receptive fields of every node. ModelFileError names every operation that the engine lacks.
    """
    if precision not in PRECISIONS:
        raise UsageError(f"unknown precision '{precision}': choose {', '.join(PRECISIONS)}")
    # With gradients, since a weight that was computed from parameters is known by them.
    trace = record(network, torch.zeros(1, *input_size), keep=(), differentiable=True)
    builder = Builder(network, trace.nodes[0].shape)
    _translate_nodes(builder, trace)
    answer = _answer(builder, trace)
    tensors, weights = builder.tensors.pack(precision)
    fields, numbers = receptive_fields(trace)
    graph = trace.graph()
    for node in graph["nodes"]:
        node |= {"value": builder.node_values[node["name"]].number, "field": numbers[node["name"]]}
    described = {
        "format": FORMAT,
        "network": trace.network,
        "precision": precision,
        "input": list(trace.nodes[0].shape),
        **graph,
        "operations": builder.operations,
        "tensors": tensors,
        "answer": answer,
        "loss": _loss(network),
        "fields": fields,
    }
    return EngineNetwork(finite(described), weights)


def _translate_nodes(builder: Builder, trace: Trace) -> None:
    lacking: dict[str, str] = {}
    for node in trace.nodes[1:]:
        try:
            builder.node_values[node.name] = _translate_node(builder, trace, node)
        except UnsupportedError as problem:
            lacking[node.name] = str(problem)
            builder.node_values[node.name] = builder.add("lacking", [], node.shape)
    if lacking:
        listed = "; ".join(f"{name}: {what}" for name, what in list(lacking.items())[:5])
        more = f"; and {len(lacking) - 5} more" if len(lacking) > 5 else ""
        raise ModelFileError(f"the page's engine cannot compute this network ({listed}{more})")


def _translate_node(builder: Builder, trace: Trace, node: Node) -> Any:
    """Add the operations of a node, the last of which gives its output."""
    builder.node, builder.results = node.name, []
    if node.result is None:
        raise UnsupportedError("values that were changed in place through a view")
    _expand_connection_table(builder, trace, node)
    for call in node.calls:
        builder.results.append(translate(builder, call))
    value = builder.value(node.result)
    if value.shape != node.shape:
        raise UnsupportedError("a result whose first axis is not the batch")
    # Every node has a value of its own, so that a map of it can be switched off without any other changing.
    taken = isinstance(node.result, Ref) or any(value.number == other.number for other in builder.node_values.values())
    return builder.add("identity", [value], node.shape) if taken else value


def _expand_connection_table(builder: Builder, trace: Trace, node: Node) -> None:
    """Compute the dense kernels of a convolution with a connection table from its own, so that training reaches these.

    The layer builds them outside of the trace; here they are an operation, whose result takes their place.
    """
    module: Any = trace.modules[node.module] if node.module is not None else None
    table = getattr(module, "table", None)
    builder.dense_kernels = None
    if table is None or not callable(getattr(module, "dense_weight", None)):
        return
    weight: Tensor = module.weight
    counted = type(module)(table, module.in_channels, module.kernel_size)
    with torch.no_grad():
        counted.weight.copy_(torch.arange(1, weight.numel() + 1).view_as(weight))
        index = counted.dense_weight().round().long() - 1
    builder.dense_kernels = builder.gather(weight, index, index.shape, batched=False)


def _answer(builder: Builder, trace: Trace) -> int:
    if not trace.answers:
        raise ModelFileError("the page's engine needs a network that returns logits, images x classes")
    value, builder.node = builder.node_values[trace.answers[0]], ""  # what follows belongs to no node
    return builder.reshape(value, [torch.Size(value.shape).numel()]).number


def _loss(network: nn.Module) -> dict[str, Any]:
    """Return the loss of a training; LeNet-5 of 1998 has two of its own."""
    if isinstance(network, LeNet5):
        return {"kind": "rubbish_class", "j": network.j} if network.criterion == "map" else {"kind": "target_distance"}
    return {"kind": "cross_entropy"}
