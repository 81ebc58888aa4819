"""Who writes a trace down while the network runs.

Hooks on the modules say which layer runs; a torch function mode sees every function that is called, so that additions,
concatenations and rectifiers outside of layers are nodes too and a network may decide by its data what to do next.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from threading import get_ident
from time import perf_counter
from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakTensorKeyDictionary

from .graph import KINDS, Call, Node, Ref, Step, Trace, unknown
from .torch_functions import DROPOUTS, POINTWISE, attributes_of, kind_of, name_of

Observer = Callable[[str, Tensor], None]

# Ask a tensor about itself, or set something up: no operation.
SILENT = {
    "size", "dim", "numel", "stride", "is_contiguous", "is_floating_point", "set_grad_enabled", "item", "is_complex",
    "element_size", "data_ptr", "storage_offset", "requires_grad", "register_hook", "backward", "len", "bool", "format",
    "repr", "get_device", "shape", "tolist", "numpy",
}  # fmt: skip


class _Tag(NamedTuple):
    """Where a tensor came from, and how often it had been changed in place by then."""

    source: Ref | Step
    version: int


class _Layer:
    """The layer that is running: what it calls is not a node of its own."""

    def __init__(self, module: nn.Module, path: str, inputs: tuple[Any, ...]):
        self.module, self.path, self.inputs = module, path, inputs
        self.calls: list[Call] = []
        self.depth = 0
        self.started = perf_counter()


class Recorder(TorchFunctionMode):
    """Writes down what runs while it is active and its `enter` and `leave` hook all modules of the network."""

    def __init__(
        self, network: nn.Module, images: Tensor, keep: Collection[str] | None, observe: Observer | None = None
    ):
        super().__init__()
        self.network, self.images, self.keep, self.observe = network, images, keep, observe
        self.paths = {module: path for path, module in network.named_modules()}
        self.layer_names = set(self.paths.values())
        self.thread = get_ident()
        self.nodes: dict[str, Node] = {}
        self.outputs: dict[str, Tensor] = {}
        self.times: dict[str, float] = {}
        self.called: dict[tuple[str, bool], int] = {}
        self.block_types: dict[str, str] = {}
        self.blocks: list[str] = []
        self.layer: _Layer | None = None
        self.tags = WeakTensorKeyDictionary()
        self.paused = False
        self.last_change = ""
        self._add("input", "input", (images,), 0.0, kind="input")

    # Modules

    def enter(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        """Before a module runs."""
        if get_ident() != self.thread:  # the same network at work for somebody else
            return
        if self.layer is not None:
            self.layer.depth += 1
        elif _is_layer(module) and not self._is_whole(module):
            self.layer = _Layer(module, self.paths[module], inputs)
        else:
            path = self.paths[module]
            self.blocks.append(path)
            self.block_types[path] = type(module).__name__

    def _is_whole(self, module: nn.Module) -> bool:
        """A network all of functions, without a layer, is opened: one node would say nothing."""
        return module is self.network and not type(module).__module__.startswith("torch.nn.")

    def leave(self, module: nn.Module, inputs: Any, output: Any) -> Any:
        """After a module ran; a layer that returns its input returns another view of it, so that both have names."""
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
        if output is None:
            return None
        self.paused = True
        try:
            return self._add_layer(layer, output, elapsed)
        finally:
            self.paused = False

    def _add_layer(self, layer: _Layer, output: Any, elapsed: float) -> Any:
        tensors = _tensors(output)
        if not tensors:
            return None
        sources = [tag.source if (tag := self.tags.get(tensor)) is not None else None for tensor in tensors]
        replaced = None
        if isinstance(output, Tensor) and isinstance(sources[0], Ref):
            replaced = output.view_as(output)
            tensors = (replaced,)
        if None in sources:  # computed where torch does not let us look
            found: list[Tensor] = []
            call = Call(type(layer.module).__name__, layer.module, self._refer(layer.inputs, found), {})
            layer.calls = [call]
            sources = [Step(0, None if isinstance(output, Tensor) else part) for part in range(len(tensors))]
        path = layer.path or type(layer.module).__name__
        self._add(path, type(layer.module).__name__, tensors, elapsed, layer=layer, sources=sources)
        return replaced

    # Functions

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = name_of(func)
        if self.paused or name in SILENT:
            return func(*args, **kwargs)
        found: list[Tensor] = []
        arguments = self._refer(args, found)
        options = {key: self._refer(value, found) for key, value in kwargs.items()} if kwargs else kwargs
        started = perf_counter()
        output = func(*args, **kwargs)
        elapsed = perf_counter() - started
        if not found:
            return output
        result = args[0] if output is None and name == "setitem" else output
        tensors = _tensors(result)
        if not tensors:
            return output
        call = Call(name, func, arguments, options)
        unchanged = isinstance(result, Tensor) and (tag := self.tags.get(result)) is not None and (
            tag.version == result._version
        )  # fmt: skip
        if unchanged and name not in DROPOUTS:
            return output
        if self.layer is not None:
            if not unchanged:
                self._tag(tensors, [Step(len(self.layer.calls), p) for p in _parts(result)])
            self.layer.calls.append(call)
            return output
        if unchanged:
            output = result = result.view_as(result)
            tensors = (output,)
        shown = {"rsub": "sub", "rdiv": "div", "rpow": "pow"}.get(name, name)
        sources: list[Any] = [Step(0, part) for part in _parts(result)]
        names = self._add(shown, shown, tensors, elapsed, calls=(call,), sources=sources)
        if not unchanged and isinstance(result, Tensor) and args and result is args[0]:
            self.last_change = names[0]
        return output

    def _refer(self, value: Any, found: list[Tensor]) -> Any:
        """A value with every activation in it replaced by its source; those are added to `found`."""
        if isinstance(value, Tensor):
            tag = self.tags.get(value)
            if tag is None:
                return value
            found.append(value)
            if tag.version != value._version and self.layer is None and isinstance(tag.source, Ref):
                return self._changed_behind(value, tag.source)
            return tag.source
        if isinstance(value, tuple | list):
            parts = [self._refer(part, found) for part in value]
            return type(value)(parts) if type(value) in (tuple, list) else tuple(parts)
        return value

    def _changed_behind(self, tensor: Tensor, source: Ref) -> Ref:
        """A tensor that shares memory with one that was changed in place has new numbers: a node of its own."""
        inputs = [source.node, *([self.last_change] if self.last_change else [])]
        return Ref(self._add("changed", "changed", (tensor,), 0.0, inputs=inputs, kind="other")[0])

    # Nodes

    def _add(
        self,
        base: str,
        type_: str,
        tensors: tuple[Tensor, ...],
        elapsed: float,
        *,
        layer: _Layer | None = None,
        calls: tuple[Call, ...] = (),
        sources: list[Any] | None = None,
        inputs: list[str] | None = None,
        kind: str = "",
    ) -> list[str]:
        """One node a tensor; the names."""
        if layer is not None:
            calls, module, group = tuple(layer.calls), layer.path, layer.path.rpartition(".")[0]
            parameters = sum(p.numel() for p in layer.module.parameters())
            kind = _declared_kind(layer.module)
        else:
            group = self.blocks[-1] if self.blocks else ""
            module = None
            base = f"{group}.{base}" if group else base
            weights = {id(v): v for call in calls for v in _leaves(call) if isinstance(v, nn.Parameter)}
            parameters = sum(p.numel() for p in weights.values())
        base = self._unique(base, layer is not None)
        sources = sources or [None] * len(tensors)
        if inputs is None:
            inputs = _inputs(calls, sources)
        before = self.nodes[inputs[0]].shape if inputs else ()
        names = []
        for part, (tensor, source) in enumerate(zip(tensors, sources, strict=True)):
            name = f"{base}[{part}]" if part else base
            shape = tuple(tensor.shape[1:])
            main = _main_call(calls)
            attributes = attributes_of(main, shape) if main is not None else {}
            self.nodes[name] = Node(
                name, kind or kind_of(calls, before, shape), type_, shape, tuple(inputs), attributes,
                parameters if not part else 0, module, group, calls, source,
            )  # fmt: skip
            self.times[name] = elapsed * 1000
            if self.keep is None or name in self.keep:
                self.outputs[name] = tensor.clone()
            if self.observe is not None:
                self.observe(name, tensor)
            names.append(name)
        self._tag(tensors, [Ref(name) for name in names])
        return names

    def _unique(self, base: str, layer: bool) -> str:
        """`base`, or with a number; a function takes no name that is a layer's."""
        name = base
        while name in self.nodes or (not layer and name in self.layer_names):
            number = self.called[base, layer] = self.called.get((base, layer), 1) + 1
            name = f"{base}#{number}" if layer else f"{base}_{number}"
        return name

    def _tag(self, tensors: tuple[Tensor, ...], sources: list[Any]) -> None:
        for tensor, source in zip(tensors, sources, strict=True):
            self.tags[tensor] = _Tag(source, tensor._version)

    def finish(self, answer: Any) -> Trace:
        """The trace of a pass that returned `answer`."""
        for name in self.keep or ():
            if name not in self.nodes:
                raise ValueError(unknown(name, self.nodes))
        tags = [self.tags.get(tensor) for tensor in _tensors(answer)]
        answers = tuple(tag.source.node for tag in tags if tag is not None)
        modules = {path: module for module, path in self.paths.items()}
        return Trace(
            type(self.network).__name__, tuple(self.nodes.values()), self.times, answers, self.outputs,
            self.block_types, modules,
        )  # fmt: skip


def _is_layer(module: nn.Module) -> bool:
    """Without children, or with the means to explain itself; attention calls its projection without running it."""
    return not module._modules or isinstance(module, nn.MultiheadAttention) or callable(getattr(module, "terms", None))


def _declared_kind(module: nn.Module) -> str:
    kind = getattr(module, "kind", "") if callable(getattr(module, "terms", None)) else ""
    return kind if kind in KINDS else ""


def _tensors(value: Any) -> tuple[Tensor, ...]:
    if isinstance(value, Tensor):
        return (value,)
    leaves = tree_leaves(value) if isinstance(value, tuple | list | dict) else ()
    return tuple(leaf for leaf in leaves if isinstance(leaf, Tensor))


def _parts(value: Any) -> list[int | None]:
    """Which part of a call's result each of its tensors is: None for the only one."""
    return [None] if isinstance(value, Tensor) else list(range(len(_tensors(value))))


def _inputs(calls: tuple[Call, ...], sources: list[Any]) -> list[str]:
    """The nodes that the calls take, each once, in the order in which they are taken."""
    used: dict[str, None] = {}
    for call in calls:
        for value in _leaves(call):
            if isinstance(value, Ref):
                used[value.node] = None
    if not calls:
        used.update((source.node, None) for source in sources if isinstance(source, Ref))
    return list(used)


def _leaves(call: Call) -> list[Any]:
    flat: list[Any] = []
    for value in (*call.arguments, *call.options.values()):
        flat += tree_leaves(value) if isinstance(value, tuple | list | dict) else [value]
    return flat


def _main_call(calls: tuple[Call, ...]) -> Call | None:
    """The call whose settings describe a node: its convolution, pool or norm, or the one function that it is."""
    heavy = [call for call in calls if call.name not in POINTWISE and call.name != "pad"]
    if len(heavy) == 1:
        return heavy[0]
    return calls[0] if len(calls) == 1 else None
