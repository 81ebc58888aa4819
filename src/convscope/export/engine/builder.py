"""Build the list of the engine's operations while the calls of a trace are translated one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ...insight.tracing.graph import Ref, Shape, Step
from .weights import TensorTable, index_tensor

Operand = int | dict[str, Any] | None


class UnsupportedError(Exception):
    """The engine has no operation for a call; the text says what it lacks."""


@dataclass(frozen=True)
class Value:
    """The result of an operation; `shape` is that of one image, or of the whole where `batched` is false."""

    number: int
    shape: Shape
    batched: bool = True


class Builder:
    """Collects operations. Value 0 is the network's input, and operation n gives value n + 1.

    An operand is the number of a value, `{"tensor": n}` (with `shape`, where it is read in another one), `{"number":
    x}`, or None for one that is left out.
    """

    def __init__(self, network: nn.Module, input_shape: Shape):
        self.tensors = TensorTable(network)
        self.operations: list[dict[str, Any]] = []
        self.values = [Value(0, input_shape)]
        self.node_values: dict[str, Value] = {"input": self.values[0]}
        self.node = ""
        self.results: list[list[Value]] = []  # of the calls of the node that is translated
        self.dense_kernels: Value | None = None  # of that node, if it is a convolution with a connection table

    def add(self, op: str, inputs: Sequence[Any], shape: Sequence[int], batched: bool = True, **settings: Any) -> Value:
        """Add an operation on values, tensors and numbers; return its result."""
        value = Value(len(self.values), tuple(shape), batched)
        operation: dict[str, Any] = {
            "op": op,
            "inputs": [self.operand(x) for x in inputs],
            "shape": list(shape),
            "node": self.node,
        }
        if not batched:
            operation["batched"] = False
        self.operations.append({**operation, **settings})
        self.values.append(value)
        return value

    def operand(self, given: Any) -> Operand:
        """Return a value, a tensor, a number or an argument of a call as an operand."""
        if given is None:
            return None
        if isinstance(given, Ref | Step):
            given = self.value(given)
        if isinstance(given, Value):
            return given.number
        if isinstance(given, Tensor):
            number = self.tensors.number(given)
            same = self.tensors.entries[number]["shape"] == list(given.shape)
            return {"tensor": number} if same else {"tensor": number, "shape": list(given.shape)}
        if isinstance(given, bool | int | float):
            return {"number": float(given)}
        raise UnsupportedError(f"an argument of type {type(given).__name__}")

    def value(self, given: Any) -> Value:
        """Return the value that an argument of a call stands for."""
        if isinstance(given, Value):
            return given
        if isinstance(given, Ref):
            return self.node_values[given.node]
        if isinstance(given, Step):
            parts, part = self.results[given.call], given.part or 0
            if part >= len(parts):
                raise UnsupportedError("an operation that returns several results")
            return parts[part]
        raise UnsupportedError("a weight where an activation is expected")

    def reshape(self, given: Any, shape: Sequence[int]) -> Value:
        """Return the same numbers in another shape."""
        value = self.value(given)
        if torch.Size(shape).numel() != torch.Size(value.shape).numel():
            raise UnsupportedError("a change of shape that mixes the images of a batch")
        return value if tuple(shape) == value.shape else self.add("reshape", [value], shape, value.batched)

    def gather(self, given: Any, index: Tensor, shape: Sequence[int], batched: bool = True) -> Value:
        """Return the elements of a value (or a tensor) with these numbers; 0 where the number is -1."""
        return self.add("gather", [given, index_tensor(index)], shape, batched)
