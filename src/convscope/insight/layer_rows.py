"""The rows of the layer table: one per call of a layer or of a function that multiplies, and per weight beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

# The documented place of this class (PyTorch, "Extending all torch API with modes"); no public module has it.
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from ..nested import leaves
from .receptive_field import field_size
from .tracing.graph import Node, Trace
from .tracing.recorder import NO_OPERATIONS
from .tracing.torch_functions import bind, name_of
from .tracing.trace import meta_weights, trace_shapes

PARAMETER, NOT_RUN = "Parameter", "not run"
# Attributes of a tensor that are tensors with its numbers.
VIEWS = {"T", "mT", "H", "mH", "real", "imag", "data"}


@dataclass(frozen=True)
class LayerRow:
    """One call of one layer, for one image.

    `parameters` are those that training changes, `frozen_parameters` the others; both count in the first row that uses
    them. `connections` are counted as LeNet's paper counts them: the inputs of every output unit that are multiplied by
    a weight, plus its bias. `receptive_field` is in input pixels (the longer side), None where a unit sees the whole
    image.

    A function that a larger module calls has a row if it multiplies or takes parameters; its `type` is the function's
    name. A parameter that a larger module uses in another way has a row of type `Parameter`, and what has no part in
    evaluation a row of type `not run`.
    """

    name: str
    type: str
    output_shape: tuple[int, ...]
    parameters: int
    macs: int
    connections: int
    receptive_field: int | None
    frozen_parameters: int = 0
    fully_connected: bool = False


class Measured:
    """One pass of a network on shapes: its trace, and what each node multiplied and how many bytes it returned.

    `network.named_parameters()` by identity of what the pass used is `names`; `used` has those that any function took.
    """

    def __init__(self, network: nn.Module, input_size: Sequence[int]):
        weights = meta_weights(network)
        parameters = dict(network.named_parameters())
        self.names = {id(tensor): name for name, tensor in weights.items() if name in parameters}
        self.names |= {id(tensor): name for name, tensor in parameters.items()}  # of a pass that needs numbers
        self.macs: dict[str, int] = {}
        self.bytes: dict[str, int] = {}
        counter, watch = _MultiplyAccumulates(), _Used(self.names)
        before = 0

        def observe(node: str, output: Tensor) -> None:
            nonlocal before
            self.macs[node], before = counter.total - before, counter.total
            self.bytes[node] = output.numel() * output.element_size()

        with counter, watch:
            self.trace: Trace = trace_shapes(network, input_size, observe, weights)
        if counter.total > before:  # by what was no node, such as a product of weights that is the answer
            self.macs[self.trace.nodes[-1].name] += counter.total - before
        self.used = watch.used


class _MultiplyAccumulates(TorchDispatchMode):
    """Counts multiply-accumulates while it is active.

    PyTorch's `FlopCounterMode` has the same formulas, but takes three times as long: it hooks every module of every
    network in the process and tries to decompose every operation.
    """

    total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func.overloadpacket)
        if formula is not None:
            # It counts a multiplication and an addition as two.
            self.total += formula(*args, **(kwargs or {}), out_val=output) // 2
        return output


class _Used(TorchFunctionMode):
    """Notes which of some tensors, known by identity, are arguments of a function that computes with them."""

    def __init__(self, names: Mapping[int, str]):
        super().__init__()
        self.names = names
        self.used: set[str] = set()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = name_of(func)
        is_question = getattr(func, "__name__", "") == "__get__" and name not in VIEWS  # such as `is_meta`
        if name not in NO_OPERATIONS and not is_question:
            given = leaves((args, kwargs or {}))
            self.used |= {self.names[id(value)] for value in given if id(value) in self.names}
        return func(*args, **(kwargs or {}))


def layer_rows(network: nn.Module, measured: Measured) -> list[tuple[LayerRow, str]]:
    """Return the rows, each with the name of its node ("" for a weight that no node takes); they hold all parameters.

    Rows stand in the order in which the layers ran.
    """
    trace, macs = measured.trace, measured.macs
    parameters = dict(network.named_parameters())
    left = dict.fromkeys(parameters)
    rows: list[tuple[LayerRow, str]] = []
    for node, weights in _taking_part(network, measured):
        own = [parameters[name] for name in weights if name in left]
        for name in weights:
            left.pop(name, None)
        multiplied, connections = _counts(network, node, macs[node.name])
        trainable, frozen = _sizes(own)
        rows.append((
            LayerRow(
                name=_row_name(node, weights), type=node.type, output_shape=node.shape, parameters=trainable,
                macs=multiplied, connections=connections, receptive_field=field_size(trace, node.name),
                frozen_parameters=frozen, fully_connected=node.kind == "linear" and bool(weights),
            ),
            node.name,
        ))  # fmt: skip
    for name in left:
        _add_rest(rows, network, name, measured.used)
    return rows


def _taking_part(network: nn.Module, measured: Measured) -> list[tuple[Node, list[str]]]:
    """Return the nodes that have a row, with the names of their parameters.

    If there would be none, the network is one layer.
    """
    found: list[tuple[Node, list[str]]] = []
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    for node in measured.trace.nodes[1:]:
        if node.part:
            continue
        if node.module is not None:
            found.append((node, [names[id(p)] for p in network.get_submodule(node.module).parameters()]))
            continue
        taken = [leaf for call in node.calls for leaf in leaves((call.arguments, call.options))]
        weights = list(dict.fromkeys(measured.names[id(leaf)] for leaf in taken if id(leaf) in measured.names))
        if weights or measured.macs[node.name]:
            found.append((node, weights))
    if found or not measured.trace.answers:
        return found
    answer = measured.trace.node(measured.trace.answers[0])
    return [(replace(answer, module="", type=type(network).__name__), list(names.values()))]


def _row_name(node: Node, weights: Sequence[str]) -> str:
    """Return the path of the layer; for a function the path of the one layer whose weights it takes, or its own."""
    if node.module is not None:
        return node.module or node.type
    owners = {name.rpartition(".")[0] for name in weights}
    owner = owners.pop() if len(owners) == 1 else ""
    return owner if owner and owner != node.group else node.name


def _add_rest(rows: list[tuple[LayerRow, str]], network: nn.Module, name: str, used: set[str]) -> None:
    """Add the row of a parameter that no node takes as it is.

    One that is used stands before the rows of the module that holds it; the others follow at the end, one row per
    layer.
    """
    owner, _, _ = name.rpartition(".")
    parameter = dict(network.named_parameters())[name]
    trainable, frozen = _sizes([parameter])
    if name in used:
        row = LayerRow(name, PARAMETER, tuple(parameter.shape), trainable, 0, 0, 0, frozen)
        at = next((i for i, (other, _) in enumerate(rows) if _lies_in(other.name, owner)), len(rows))
        rows.insert(at, (row, ""))
        return
    row = LayerRow(owner or name, NOT_RUN, (), trainable, 0, 0, 0, frozen)
    last = rows[-1][0] if rows else row
    if last is not row and (last.name, last.type) == (row.name, row.type):
        rows[-1] = (
            replace(
                last, parameters=last.parameters + row.parameters,
                frozen_parameters=last.frozen_parameters + row.frozen_parameters,
            ),
            "",
        )  # fmt: skip
    else:
        rows.append((row, ""))


def _lies_in(name: str, owner: str) -> bool:
    return not owner or name == owner or name.startswith(f"{owner}.")


def _sizes(parameters: Sequence[torch.nn.Parameter]) -> tuple[int, int]:
    """Return how many numbers of the parameters are trainable, and how many frozen."""
    trainable = sum(p.numel() for p in parameters if p.requires_grad)
    return trainable, sum(p.numel() for p in parameters) - trainable


def _counts(network: nn.Module, node: Node, measured: int) -> tuple[int, int]:
    """Return multiply-accumulates and connections; a layer with a method `count` knows its own."""
    if node.module is None:
        has_bias = any(bind(call).get("bias") is not None for call in node.calls)
    else:
        module = network.get_submodule(node.module)
        count = getattr(module, "count", None)
        if callable(count):
            macs, connections = count(torch.Size((1, *node.shape)))
            return macs, connections
        has_bias = getattr(module, "bias", None) is not None
    return measured, measured + (prod(node.shape) if measured and has_bias else 0)
