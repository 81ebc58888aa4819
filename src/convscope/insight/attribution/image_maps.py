"""Which outputs of a network are maps of its image, as a class-activation map needs them, and which only look so.

Attention gives arrays of three axes too: heads x tokens x features, or heads x tokens x tokens; and some networks keep
their channels last. Enlarged to the image's size such an array would make a heat map that points nowhere.
"""

from __future__ import annotations

from ..tracing.graph import Node, Shape, Trace

SPATIAL = frozenset({"conv", "pool", "global_pool"})
# What attention is made of, and what may lie between it and the arrays that it takes.
PRODUCTS = frozenset({"matmul", "bmm", "baddbmm", "einsum", "scaled_dot_product_attention"})
PASSED = frozenset({"reshape", "identity", "multiply", "add", "norm", "dropout", "softmax", "activation"})
# How far the proportions of maps may be from the image's: a few rows are lost at borders and by rounding.
PROPORTION = 1.5


def image_maps(trace: Trace) -> list[Node]:
    """Return the nodes whose outputs, C x H x W, are maps of the image, in the order in which they ran."""
    frames = [node.shape[1:] for node in trace.nodes if node.kind == "input" and len(node.shape) == 3]
    frame = frames[0] if len(frames) == 1 else None
    of_attention = _taken_by_products(trace)
    maps: dict[str, Node] = {}
    for node in trace.nodes:
        if len(node.shape) != 3 or node.kind in ("input", "linear") or node.type in PRODUCTS:
            continue
        before = [trace.node(name) for name in node.inputs]
        is_map = node.kind in SPATIAL or any(one.name in maps and one.shape[1:] == node.shape[1:] for one in before)
        if node.kind in ("reshape", "other"):
            products = any(one.type in PRODUCTS for one in before) or node.name in of_attention
            is_map = not products and (is_map or _fits(node.shape[1:], frame))
        if is_map:
            maps[node.name] = node
    return [node for node in maps.values() if node.floating]


def layers_around(trace: Trace, node: Node) -> tuple[int, int]:
    """Return how many layers with weights ran up to a node and with it, and how many after it."""
    end = trace.nodes.index(node) + 1
    before, after = (sum(one.parameters > 0 for one in part) for part in (trace.nodes[:end], trace.nodes[end:]))
    return before, after


def bottlenecks(trace: Trace, on_way: set[str]) -> set[str]:
    """Return the nodes `on_way` to the answer that everything passes which reaches it: no connection leads around."""
    nodes = [(place, node) for place, node in enumerate(trace.nodes) if node.name in on_way]
    last_user = {name: place for place, node in nodes for name in node.inputs}
    found, farthest = set(), -1
    for place, node in nodes:
        if farthest <= place:
            found.add(node.name)
        farthest = max(farthest, last_user.get(node.name, -1))
    return found


def _taken_by_products(trace: Trace) -> set[str]:
    """Return the nodes that products of two arrays take, directly or rearranged and scaled: queries, keys, values.

    A linear layer is passed where it mixes the heads of attention, which has three axes; not one that makes queries.
    """
    taken: set[str] = set()
    for node in reversed(trace.nodes):
        passed = node.kind in PASSED or (node.kind == "linear" and len(node.shape) == 3)
        if node.type in PRODUCTS or (node.name in taken and passed):
            taken.update(node.inputs)
    return taken


def _fits(size: Shape, frame: Shape | None) -> bool:
    """Return whether a height and width have about the proportions of the image; True if those are not known."""
    if frame is None:
        return True
    (height, width), (whole_height, whole_width) = size, frame
    proportion = height * whole_width / max(1, width * whole_height)
    return 1 / PROPORTION <= proportion <= PROPORTION
