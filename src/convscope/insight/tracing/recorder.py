"""Record a forward pass while it runs.

Hooks on the modules tell which layer runs. A torch function mode sees every function that is called, so that
additions, concatenations and activations outside of layers are nodes too, and a network may decide by its data what to
do next.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from threading import get_ident
from time import perf_counter
from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from ...nested import named_leaves, tensors_in
from .graph import KINDS, Call, Ref, Step, Trace
from .graph_builder import GraphBuilder, Observer, Operation, parameters_in
from .torch_functions import DROPOUTS, name_of, writes_in_place

log = logging.getLogger("convscope")
# Functions that ask a tensor about itself, or set something up: no operations.
NO_OPERATIONS = {
    "size", "dim", "numel", "stride", "is_contiguous", "is_floating_point", "set_grad_enabled", "item", "is_complex",
    "element_size", "data_ptr", "storage_offset", "requires_grad", "register_hook", "backward", "len", "bool", "format",
    "repr", "get_device", "shape", "tolist", "numpy",
}  # fmt: skip
# Reversed operators have the name of the plain ones.
SHOWN_NAMES = {"rsub": "sub", "rdiv": "div", "rpow": "pow"}


class _Tag(NamedTuple):
    """Which node or call a tensor came from, and its version: how often it had been changed in place by then."""

    source: Ref | Step
    version: int


class _RunningLayer:
    """The layer that is running: the functions that it calls are its own calls, not nodes."""

    def __init__(self, module: nn.Module, path: str, inputs: tuple[Any, ...]):
        self.module, self.path, self.inputs = module, path, inputs
        self.calls: list[Call] = []
        self.depth = 0  # of modules inside of it that are running
        self.started = perf_counter()


class Recorder(TorchFunctionMode):
    """Records what runs while it is active and its `enter` and `leave` are hooks of all modules of the network."""

    def __init__(
        self,
        network: nn.Module,
        images: Sequence[Tensor],
        keep: Collection[str] | None,
        observe: Observer | None = None,
    ):
        super().__init__()
        self.network = network
        self.paths = {module: path for path, module in network.named_modules()}
        self.graph = GraphBuilder(self.paths.values(), keep, observe)
        self.thread = get_ident()
        self.block_types: dict[str, str] = {}
        self.blocks: list[str] = []
        self.layer: _RunningLayer | None = None
        self.tags = WeakTensorKeyDictionary()
        self.paused = False
        self.last_change = ""
        for tensor in images:
            self._add(Operation("input", "input", (tensor,), 0.0, kind="input"))

    def enter(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        """Note that a module starts to run (forward pre-hook)."""
        if get_ident() != self.thread:  # another thread uses the same network
            return
        if self.layer is not None:
            self.layer.depth += 1
        elif _is_layer(module) and not self._is_function_network(module):
            self.layer = _RunningLayer(module, self.paths[module], inputs)
        else:
            path = self.paths[module]
            self.blocks.append(path)
            self.block_types[path] = type(module).__name__

    def _is_function_network(self, module: nn.Module) -> bool:
        """Tell whether the network is one module that calls functions: its calls are nodes, or there would be one."""
        return module is self.network and not type(module).__module__.startswith("torch.nn.")

    def leave(self, module: nn.Module, inputs: Any, output: Any) -> Any:
        """Add the node of a layer that ran (forward hook). A layer that returns its input returns a new view of it.

        With the view, the layer's output and its input are two tensors and each has the name of its own node.
        """
        if get_ident() != self.thread:
            return None
        layer = self.layer
        if layer is None:
            self.blocks.pop()
            return None
        if layer.depth:
            layer.depth -= 1
            return None
        elapsed = perf_counter() - layer.started
        self.layer = None
        if output is None:  # it raised
            return None
        self.paused = True
        try:
            return self._add_layer(layer, output, elapsed)
        finally:
            self.paused = False

    def _add_layer(self, layer: _RunningLayer, output: Any, elapsed: float) -> Any:
        tensors = tensors_in(output)
        if not tensors:
            return None
        sources = [tag.source if (tag := self.tags.get(tensor)) is not None else None for tensor in tensors]
        view = None
        if isinstance(output, Tensor) and isinstance(sources[0], Ref):
            view = output.view_as(output)
            tensors = (view,)
        if None in sources:  # computed without torch functions: the layer itself is the only call
            arguments = self._refer(layer.inputs, [])
            layer.calls = [Call(type(layer.module).__name__, layer.module, arguments, {}, _shapes(tensors))]
            sources = [Step(0, None if isinstance(output, Tensor) else part) for part in range(len(tensors))]
        type_ = type(layer.module).__name__
        self._add(
            Operation(
                layer.path or type_, type_, tensors, elapsed, tuple(layer.calls), sources,
                kind=_declared_kind(layer.module), module=layer.path, group=layer.path.rpartition(".")[0],
                parameters=sum(p.numel() for p in layer.module.parameters()), table=_declared_table(layer.module),
            )
        )  # fmt: skip
        return view

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run a torch function and record it, as a call of the running layer or as a node."""
        kwargs = kwargs or {}
        name = name_of(func)
        if self.paused or name in NO_OPERATIONS:
            return func(*args, **kwargs)
        activations: list[Tensor] = []
        arguments = self._refer(args, activations)
        if arguments and isinstance(arguments[0], Tensor) and activations and writes_in_place(func):
            # The network goes on to write into it: kept are the numbers that it has now.
            arguments = (arguments[0].clone(), *arguments[1:])
        options = {key: self._refer(value, activations) for key, value in kwargs.items()} if kwargs else kwargs
        started = perf_counter()
        output = func(*args, **kwargs)
        elapsed = perf_counter() - started
        result = args[0] if output is None and name == "setitem" else output
        tensors = tensors_in(result) if activations else ()
        if not tensors:
            return output
        call = Call(name, func, arguments, options, _shapes(tensors))
        unchanged = isinstance(result, Tensor) and self._is_unchanged(result)
        if unchanged and name not in DROPOUTS:
            return output
        if self.layer is not None:
            if not unchanged:
                self._tag(tensors, [Step(len(self.layer.calls), part) for part in _parts(result)])
            self.layer.calls.append(call)
            return output
        if unchanged:
            output = result = result.view_as(result)
            tensors = (output,)
        names = self._add_function(call, result, tensors, elapsed)
        if not unchanged and isinstance(result, Tensor) and args and result is args[0]:
            self.last_change = names[0]
        return output

    def _add_function(self, call: Call, result: Any, tensors: tuple[Tensor, ...], elapsed: float) -> list[str]:
        shown = SHOWN_NAMES.get(call.name, call.name)
        sources = [Step(0, part) for part in _parts(result)]
        return self._add(Operation(shown, shown, tensors, elapsed, (call,), sources, parameters=parameters_in((call,))))

    def _is_unchanged(self, tensor: Tensor) -> bool:
        """Tell whether a call returned a tensor that it was given, with the same numbers."""
        tag = self.tags.get(tensor)
        return tag is not None and tag.version == _version(tensor)

    def _refer(self, value: Any, activations: list[Tensor]) -> Any:
        """Return a value with every activation in it replaced by its source; add the activations to the list."""
        if isinstance(value, Tensor):
            tag = self.tags.get(value)
            if tag is None:
                return value
            activations.append(value)
            if tag.version != _version(value) and self.layer is None and isinstance(tag.source, Ref):
                return self._add_changed(value, tag.source)
            return tag.source
        if isinstance(value, tuple | list):
            parts = [self._refer(part, activations) for part in value]
            return type(value)(parts) if type(value) in (tuple, list) else tuple(parts)
        return value

    def _add_changed(self, tensor: Tensor, source: Ref) -> Ref:
        """Add a node for a tensor that shares memory with one that was changed in place: it has new numbers."""
        inputs = [source.node, *([self.last_change] if self.last_change else [])]
        return Ref(self._add(Operation("changed", "changed", (tensor,), 0.0, inputs=inputs, kind="other"))[0])

    def _add(self, ran: Operation) -> list[str]:
        if ran.module is None and self.blocks:
            ran.group = self.blocks[-1]
            ran.name = f"{ran.group}.{ran.name}" if ran.group else ran.name
        names = self.graph.add(ran)
        self._tag(ran.tensors, [Ref(name) for name in names])
        return names

    def _tag(self, tensors: tuple[Tensor, ...], sources: Any) -> None:
        for tensor, source in zip(tensors, sources, strict=True):
            self.tags[tensor] = _Tag(source, _version(tensor))

    def finish(self, answer: Any) -> Trace:
        """Return the trace of a pass that returned `answer`; ValueError for a name in `keep` that no node has."""
        self.graph.check_kept()
        tensors = [(name, self.tags.get(leaf)) for name, leaf in named_leaves(answer) if isinstance(leaf, Tensor)]
        tagged = [(name, tag.source.node) for name, tag in tensors if tag is not None]
        if tensors:
            self._warn_of_break([node for _, node in tagged])
        return Trace(
            network=type(self.network).__name__, nodes=tuple(self.graph.nodes.values()), times_ms=self.graph.times_ms,
            answers=tuple(node for _, node in tagged), outputs=self.graph.outputs,
            block_types=self.block_types, modules={path: module for module, path in self.paths.items()},
            answer_names=tuple(name for name, _ in tagged),
        )  # fmt: skip

    def _warn_of_break(self, answers: Sequence[str]) -> None:
        """Warn if no chain of nodes leads from the input to the answer: what ran in between was not seen."""
        behind, waiting = set(answers), list(answers)
        while waiting:
            new = set(self.graph.nodes[waiting.pop()].inputs) - behind
            behind |= new
            waiting += new
        nodes = self.graph.nodes.values()
        if not any(node.kind == "input" and node.name in behind for node in nodes):
            first = next((node.name for node in nodes if node.name in behind and not node.inputs), "the answer")
            log.warning(
                "the trace of %s breaks off before '%s': scripted functions, NumPy and operators of one's own cannot "
                "be traced; everything before it counts as constant",
                type(self.network).__name__, first,
            )  # fmt: skip


def _is_layer(module: nn.Module) -> bool:
    """Tell whether a module is one node: it has no children, or can explain its own values with `terms`.

    Attention is one too: it uses its projection's weights without calling it. So is a layer whose weights are computed
    (`torch.nn.utils.parametrizations`): what computes them is no step of the image.
    """
    no_children = all(name == "parametrizations" for name, _ in module.named_children())
    return no_children or isinstance(module, nn.MultiheadAttention) or callable(getattr(module, "terms", None))


def _declared_table(module: nn.Module) -> list[list[int]] | None:
    """Return a module's own connection table (`table`): for each output map the input maps that it takes."""
    table = getattr(module, "table", None) if callable(getattr(module, "terms", None)) else None
    return None if table is None else [list(row) for row in table]


def _declared_kind(module: nn.Module) -> str:
    kind = getattr(module, "kind", "") if callable(getattr(module, "terms", None)) else ""
    return kind if kind in KINDS else ""


def _version(tensor: Tensor) -> int:
    return tensor._version  # how often it was changed in place; PyTorch has no public name for it


def _shapes(tensors: tuple[Tensor, ...]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(tensor.shape[1:]) for tensor in tensors)


def _parts(result: Any) -> list[int | None]:
    """Return the number of each tensor in a call's result, None for a result that is one tensor."""
    return [None] if isinstance(result, Tensor) else list(range(len(tensors_in(result))))
