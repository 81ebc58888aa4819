"""The text of a box: what its layers are and what shape comes out."""

from __future__ import annotations

from typing import Any

from ..tracing.graph import Node

CHARACTER, LINE = 6.4, 16.0  # of the font that the diagram uses, in pixels

NAMES = {
    "batch_norm": "batch norm", "layer_norm": "layer norm", "group_norm": "group norm",
    "local_response_norm": "response norm", "log_softmax": "log softmax", "add": "add", "cat": "concatenate",
    "mul": "multiply", "leaky_relu": "leaky relu", "getitem": "slice",
}  # fmt: skip


def shape_text(shape: tuple[int, ...]) -> str:
    """Return `64×56×56`."""
    return "×".join(map(str, shape))


def describe(node: Node) -> str:
    """Return what a node is, in words: `conv 3×3, stride 2`."""
    given = node.attributes
    function = str(given.get("function", node.type))
    if node.kind == "conv":
        words = [f"{'transposed ' if 'transpose' in function else ''}conv {_window(given.get('kernel_size'))}"]
        words += [f"stride {_stride(given['stride'])}"] if _above_one(given.get("stride")) else []
        words += [f"dilation {_stride(given['dilation'])}"] if _above_one(given.get("dilation")) else []
        groups = given.get("groups", 1)
        words += ["depthwise" if groups == node.shape[0] else f"{groups} groups"] if groups > 1 else []
        return ", ".join(words)
    if node.kind in ("pool", "global_pool"):
        which = "max" if "max" in function else "average"
        if node.kind == "global_pool":
            return f"global {which} pool"
        words = [f"{which} pool {_window(given.get('kernel_size'))}".rstrip()]
        words += [f"stride {_stride(given['stride'])}"] if "stride" in given else []
        return ", ".join(words)
    if node.kind == "input":
        return "image"
    if node.module is not None and node.kind in ("other", "activation", "norm") and "function" not in given:
        return node.type
    return NAMES.get(function, node.kind if function == node.type and node.module else function)


def _window(size: Any) -> str:
    return "×".join(map(str, size)) if isinstance(size, list) else str(size or "")


def _stride(size: list[int]) -> str:
    """Return one number where both are the same, else both."""
    return str(size[0]) if len(set(size)) == 1 else _window(size)


def _above_one(value: Any) -> bool:
    return isinstance(value, list) and any(v > 1 for v in value)


def lines_of(nodes: list[Node], frame: str, closed: str, type_: str) -> list[tuple[str, str, str]]:
    """Return one line per layer: its name within the frame, what it is, and its shape where that changes."""
    if closed:
        heavy = [describe(node) for node in nodes if node.kind in ("conv", "linear")]
        chain = ", ".join(dict.fromkeys(heavy)) or f"{len(nodes)} operations"
        if len(dict.fromkeys(heavy)) > 3:
            chain = f"{len(heavy)} layers"
        name = _name_within(closed, frame)
        return [(name, type_, shape_text(nodes[-1].shape)), ("", chain, "")]
    lines = []
    for index, node in enumerate(nodes):
        changed = index == 0 or node.shape != nodes[index - 1].shape
        name, what = _name_within(node.name, frame), describe(node)
        lines.append((name, what if what != name else "", shape_text(node.shape) if changed else ""))
    return lines


def _name_within(name: str, frame: str) -> str:
    return name.removeprefix(f"{frame}.") if frame else name
