"""Build the nodes of a trace one after another: names, inputs, kinds, shapes and what is kept of their outputs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from ...nested import leaves
from .graph import Call, Node, Ref, Step, unknown_node
from .torch_functions import POINTWISE, attributes_of, kind_of, own_padding

Observer = Callable[[str, Tensor], None]


@dataclass
class Operation:
    """What ran: a layer (with the path `module`) or a function; one node is made for each tensor that it returned.

    `sources` says for each of the `tensors` which call gave it. `kind` and `inputs` are derived from the calls where
    they are not given.
    """

    name: str
    type: str
    tensors: tuple[Tensor, ...]
    elapsed: float
    calls: tuple[Call, ...] = ()
    sources: Sequence[Ref | Step | None] = (None,)
    kind: str = ""
    inputs: Sequence[str] | None = None
    module: str | None = None
    group: str = ""
    parameters: int = 0
    table: list[list[int]] | None = None  # for each output map the input maps that it is connected with


class GraphBuilder:
    """Collects nodes. `keep` names those whose outputs are kept (None: all); `observe` sees every output as it comes.

    A function's node never takes a name that is one of `layer_names`.
    """

    def __init__(self, layer_names: Collection[str], keep: Collection[str] | None, observe: Observer | None):
        self.layer_names, self.keep, self.observe = set(layer_names), keep, observe
        self.nodes: dict[str, Node] = {}
        self.outputs: dict[str, Tensor] = {}
        self.times_ms: dict[str, float] = {}
        self._used: dict[tuple[str, bool], int] = {}

    def add(self, ran: Operation) -> list[str]:
        """Add the nodes of an operation; return their names."""
        base = self._unique(ran.name, is_layer=ran.module is not None)
        inputs = tuple(_inputs(ran) if ran.inputs is None else ran.inputs)
        before = self.nodes[inputs[0]].shape if inputs else ()
        main = _main_call(ran.calls)
        attributes = {} if main is None else {**attributes_of(main), **own_padding(main, ran.calls)}
        if ran.table is not None:
            attributes["table"] = ran.table
        names = []
        for part, (tensor, source) in enumerate(zip(ran.tensors, ran.sources, strict=True)):
            name = f"{base}[{part}]" if part else base
            shape = tuple(tensor.shape[1:])
            self.nodes[name] = Node(
                name=name, kind=ran.kind or kind_of(ran.calls, before, shape), type=ran.type, shape=shape,
                inputs=inputs, attributes=attributes,
                parameters=0 if part else ran.parameters, module=ran.module, group=ran.group, part=part,
                batch=len(tensor) if tensor.ndim else 1,
                floating=tensor.is_floating_point(),
                calls=ran.calls, result=source,
            )  # fmt: skip
            self.times_ms[name] = ran.elapsed * 1000
            if self.keep is None or name in self.keep:
                self.outputs[name] = tensor.clone()
            if self.observe is not None:
                self.observe(name, tensor)
            names.append(name)
        return names

    def check_kept(self) -> None:
        """Raise ValueError for a name in `keep` that no node has."""
        for name in self.keep or ():
            if name not in self.nodes:
                raise ValueError(unknown_node(name, self.nodes))

    def _unique(self, base: str, is_layer: bool) -> str:
        """Return `base`, with a number behind it if that name is in use: `conv#2` for layers, `add_2` for functions."""
        name = base
        while name in self.nodes or (not is_layer and name in self.layer_names):
            number = self._used[base, is_layer] = self._used.get((base, is_layer), 1) + 1
            name = f"{base}#{number}" if is_layer else f"{base}_{number}"
        return name


def parameters_in(calls: tuple[Call, ...]) -> int:
    """Count the numbers of all parameters that the calls take, each parameter once."""
    found = {id(leaf): leaf.numel() for call in calls for leaf in _arguments(call) if isinstance(leaf, nn.Parameter)}
    return sum(found.values())


def _inputs(ran: Operation) -> list[str]:
    """Return the nodes that the calls take, each once, in the order in which they are taken."""
    taken = [value for call in ran.calls for value in _arguments(call)] if ran.calls else ran.sources
    return list(dict.fromkeys(value.node for value in taken if isinstance(value, Ref)))


def _arguments(call: Call) -> list[object]:
    return list(leaves((call.arguments, call.options)))


def _main_call(calls: tuple[Call, ...]) -> Call | None:
    """Return the call whose settings describe a node: its one convolution, pool or norm, or its only call."""
    heavy = [call for call in calls if call.name not in POINTWISE and call.name != "pad"]
    if len(heavy) == 1:
        return heavy[0]
    return calls[0] if len(calls) == 1 else None
