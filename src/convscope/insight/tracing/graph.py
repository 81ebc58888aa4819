"""The graph of a forward pass as data: its nodes, the torch calls of each, and which nodes feed which."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from ... import notebook_html
from ...suggest import did_you_mean

KINDS = (
    "input", "conv", "pool", "global_pool", "linear", "norm", "activation", "add", "concat", "multiply", "flatten",
    "dropout", "softmax", "pad", "reshape", "identity", "other",
)  # fmt: skip
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Ref:
    """The output of a node, as an argument of a call."""

    node: str


@dataclass(frozen=True)
class Step:
    """The result of an earlier call of the same node; `part` numbers the tensors of a call that returns several."""

    call: int
    part: int | None = None


@dataclass(frozen=True)
class Call:
    """One call of a torch function. Activations among its arguments are `Ref` or `Step`; weights and numbers stay.

    `shapes` are those of the tensors that it returned, without the batch axis.
    """

    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    shapes: tuple[Shape, ...] = ()


@dataclass(frozen=True)
class Node:
    """One operation: a call of a layer, or of a function outside of layers.

    `shape` is that of one image, without the batch axis. `inputs` are the names of the nodes that feed it. `module` is
    the path of the layer, None for a function; `group` the path of the block around it. `calls` are the torch functions
    that it consists of, `result` says which of their results is its output, and `part` which of the tensors that the
    operation returned (the first is 0). `batch` is how long its first axis is: more than the images where the network
    puts parts of an image there, as windows. `floating` is False for integers, truth values and complex numbers.
    """

    name: str
    kind: str
    type: str
    shape: Shape
    inputs: tuple[str, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)
    parameters: int = 0
    module: str | None = None
    group: str = ""
    part: int = 0
    batch: int = field(default=1, compare=False)
    floating: bool = True
    calls: tuple[Call, ...] = field(default=(), repr=False, compare=False)
    result: Ref | Step | None = field(default=None, repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "name": self.name, "kind": self.kind, "type": self.type, "shape": list(self.shape),
            "inputs": list(self.inputs), "attributes": self.attributes, "parameters": self.parameters,
            "module": self.module, "group": self.group,
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Trace:
    """The record of one forward pass, as `trace` returns it.

    `nodes` stand in the order in which they ran, `times_ms` has the time of each. `answers` are the nodes whose outputs
    the network returned, `answer_names` what it called each (`logits`, `1`; "" for a single tensor).
    `outputs` has the tensors that were kept, `block_types` the class names of the blocks.
    """

    network: str
    nodes: tuple[Node, ...]
    times_ms: dict[str, float]
    answers: tuple[str, ...]
    outputs: dict[str, Tensor] = field(repr=False)
    block_types: dict[str, str] = field(repr=False)
    modules: dict[str, Any] = field(repr=False)
    answer_names: tuple[str, ...] = ()
    _index: dict[str, Node] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_index", {node.name: node for node in self.nodes})

    def _repr_html_(self) -> str:
        rows = [
            (n.name, n.kind, n.type, " × ".join(map(str, n.shape)), f"{self.times_ms.get(n.name, 0):.2f}",
             ", ".join(n.inputs[:4]) + (", …" if len(n.inputs) > 4 else ""))
            for n in self.nodes
        ]  # fmt: skip
        total = f"{self.network}: {len(rows)} operations, {sum(self.times_ms.values()):.1f} ms"
        return notebook_html.table(total, ("name", "kind", "type", "output", "ms", "takes"), rows, numbers=(4,))

    def node(self, name: str) -> Node:
        """Return the node of this name; ValueError suggests similar names."""
        if name not in self._index:
            raise ValueError(unknown_node(name, self._index))
        return self._index[name]

    def output(self, name: str) -> Tensor:
        """Return the output of a node, N x ..., as it was before any later in-place change; ValueError: not kept."""
        node = self.node(name)
        if name not in self.outputs:
            raise ValueError(f"the output of '{node.name}' was not kept; trace with keep=None, or name it in `keep`")
        return self.outputs[name]

    def before(self, name: str) -> set[str]:
        """Return the names of the nodes that a node depends on, itself among them."""
        found: set[str] = set()
        waiting = [self.node(name).name]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting += self._index[one].inputs
        return found

    def graph(self) -> dict[str, Any]:
        """Return nodes, edges (pairs of names) and the blocks around the nodes, outermost first, as JSON values."""
        groups: dict[str, list[str]] = {}
        for node in self.nodes:
            parts = node.group.split(".") if node.group else []
            for depth in range(1, len(parts) + 1):
                groups.setdefault(".".join(parts[:depth]), [])
            if node.group:
                groups[node.group].append(node.name)
        return {
            "nodes": [node.to_dict() for node in self.nodes],
            "edges": [[source, node.name] for node in self.nodes for source in node.inputs],
            "groups": [
                {
                    "name": name,
                    "parent": name.rpartition(".")[0],
                    "type": self.block_types.get(name, ""),
                    "nodes": nodes,
                }
                for name, nodes in groups.items()
            ],
        }


def unknown_node(name: str, names: Iterable[str]) -> str:
    """Return the error message for a node that does not exist, with similar names."""
    hint = did_you_mean(name, names, cutoff=0.4)
    return f"no node is called '{name}'" + (f"; {hint}" if hint else "")
