"""What a forward pass did, as data: its operations, who feeds whom, and what each of them gave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from torch import Tensor

KINDS = (
    "input", "conv", "pool", "global_pool", "linear", "norm", "activation", "add", "concat", "multiply", "flatten",
    "dropout", "softmax", "pad", "reshape", "identity", "other",
)  # fmt: skip


@dataclass(frozen=True)
class Ref:
    """The output of a node, where a call takes it as an argument."""

    node: str


@dataclass(frozen=True)
class Step:
    """The result of an earlier call of the same node; `part` numbers the tensors of a call that gives several."""

    call: int
    part: int | None = None


@dataclass(frozen=True)
class Call:
    """One torch function as it was called: activations are `Ref` or `Step`, numbers and weights are themselves."""

    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    options: dict[str, Any]


@dataclass(frozen=True)
class Node:
    """One operation: a call of a layer, or a function called outside of layers.

    `shape` is that of one image, without N. `inputs` are the names of the nodes that feed it. `module` is the path of
    the layer, None for a function; `group` the path of the block around it. `calls` are the torch functions that it
    consists of and `result` says which of their results is its output.
    """

    name: str
    kind: str
    type: str
    shape: tuple[int, ...]
    inputs: tuple[str, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)
    parameters: int = 0
    module: str | None = None
    group: str = ""
    calls: tuple[Call, ...] = field(default=(), repr=False, compare=False)
    result: Ref | Step | None = field(default=None, repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "name": self.name, "kind": self.kind, "type": self.type, "shape": list(self.shape),
            "inputs": list(self.inputs), "attributes": self.attributes, "parameters": self.parameters,
            "module": self.module, "group": self.group,
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Trace:
    """What `trace` saw. `times_ms` is a time a node; `answers` are the nodes whose outputs the network returned."""

    network: str
    nodes: tuple[Node, ...]
    times_ms: dict[str, float]
    answers: tuple[str, ...]
    outputs: dict[str, Tensor] = field(repr=False)
    block_types: dict[str, str] = field(repr=False)
    modules: dict[str, Any] = field(repr=False)
    _index: dict[str, Node] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_index", {node.name: node for node in self.nodes})

    def node(self, name: str) -> Node:
        """The node of this name; ValueError names those that are near."""
        if name not in self._index:
            raise ValueError(unknown(name, self._index))
        return self._index[name]

    def output(self, name: str) -> Tensor:
        """What the node gave, N x ..., before a later in-place operation changed it; ValueError if it was not kept."""
        node = self.node(name)
        if name not in self.outputs:
            raise ValueError(f"the output of '{node.name}' was not kept; trace with keep=None, or name it in `keep`")
        return self.outputs[name]

    def graph(self) -> dict[str, Any]:
        """Nodes, edges as pairs of names, and the blocks around the nodes, outermost first: plain values for JSON."""
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


def unknown(name: str, names: Any) -> str:
    """One line for a name that is not there."""
    near = get_close_matches(name, list(names), n=3, cutoff=0.4)
    return f"no node is called '{name}'" + (f"; did you mean {', '.join(near)}?" if near else "")
