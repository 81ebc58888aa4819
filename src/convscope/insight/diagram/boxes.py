"""The boxes, frames and arrows of a diagram: layers that belong together, in the blocks of the network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..tracing.graph import Node, Trace
from .labels import CHARACTER, LINE, lines_of

SMALL = {"norm", "activation", "dropout", "identity"}  # kinds that share the box of a layer
PADDING = 8


@dataclass(eq=False)
class Box:
    """One or more nodes, one behind the other; `closed` names a block whose inside is not drawn."""

    nodes: list[Node]
    frame: str = ""
    closed: str = ""
    type: str = ""
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0
    lines: list[tuple[str, str, str]] = field(default_factory=list)

    def measure(self) -> None:
        """Set the text and, by its length, the size."""
        self.lines = lines_of(self.nodes, self.frame, self.closed, self.type)
        longest = max(
            len(name) * 1.1 + len(what) + len(shape) + 2 + 3 * bool(shape) for name, what, shape in self.lines
        )
        self.width, self.height = longest * CHARACTER + 2 * PADDING, len(self.lines) * LINE + PADDING


@dataclass(eq=False)
class Frame:
    """A block of the network, with its boxes and inner frames."""

    name: str
    type: str = ""
    children: list[Box | Frame] = field(default_factory=list)
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0

    def boxes(self) -> Iterator[Box]:
        """Yield all boxes inside, in the order in which they run."""
        for child in self.children:
            if isinstance(child, Box):
                yield child
            else:
                yield from child.boxes()

    def frames(self) -> Iterator[Frame]:
        """Yield all frames inside, outer ones first."""
        for child in self.children:
            if isinstance(child, Frame):
                yield child
                yield from child.frames()


@dataclass
class Diagram:
    """The frame of the whole network, and the arrows between boxes with the kind of the node they lead to."""

    root: Frame
    arrows: list[tuple[Box, Box, str]]


def build(trace: Trace, most_boxes: int | None) -> Diagram:
    """Return frames and boxes of a trace; with None, every node has a box and every block is open."""
    groups = [[node] for node in trace.nodes] if most_boxes is None else _grouped(trace)
    root = Frame("")
    frames = {"": root}
    for nodes in groups:
        parts = nodes[0].group.split(".") if nodes[0].group else []
        for depth in range(1, len(parts) + 1):
            path = ".".join(parts[:depth])
            if path not in frames:
                frames[path] = Frame(path, trace.block_types.get(path, ""))
                frames[".".join(parts[: depth - 1])].children.append(frames[path])
        frames[nodes[0].group].children.append(Box(nodes))
    if most_boxes is not None:
        _close(root, most_boxes)
    _unwrap(root)
    for frame in (root, *root.frames()):
        for child in frame.children:
            if isinstance(child, Box):
                child.frame = frame.name
                child.measure()
    return Diagram(root, _arrows(root))


def _grouped(trace: Trace) -> list[list[Node]]:
    """Return the nodes of each box: a layer with norm and activation behind it, or with those before it.

    They share a box where nothing else reads the outputs in between.
    """
    readers: dict[str, int] = {}
    for node in trace.nodes:
        for name in node.inputs:
            readers[name] = readers.get(name, 0) + 1
    groups: list[list[Node]] = []
    for node in trace.nodes:
        group = groups[-1] if groups else []
        follows = (
            bool(group)
            and node.inputs == (group[-1].name,)
            and readers[group[-1].name] == 1
            and node.group == group[-1].group
            and group[0].kind != "input"
        )
        has_layer = any(other.kind not in SMALL for other in group)
        starts_small = bool(group) and group[0].kind in SMALL
        if node.kind in SMALL:
            fits = not (starts_small and has_layer)
        else:
            fits = not has_layer and node.kind in ("conv", "linear")
        if follows and fits:
            group.append(node)
        else:
            groups.append([node])
    return groups


def _close(root: Frame, most: int) -> None:
    """Turn the deepest frames into boxes until there are no more than `most` boxes."""
    while sum(1 for _ in root.boxes()) > most:
        deepest = max((frame.name.count(".") + 1 for frame in root.frames()), default=0)
        if not deepest:
            return
        for parent in [root, *root.frames()]:
            for index, child in enumerate(parent.children):
                if isinstance(child, Frame) and child.name.count(".") + 1 == deepest:
                    nodes = [node for box in child.boxes() for node in box.nodes]
                    parent.children[index] = Box(nodes, closed=child.name, type=child.type)


def _unwrap(frame: Frame) -> None:
    """Remove frames around one box or one frame."""
    for index, child in enumerate(frame.children):
        if isinstance(child, Frame):
            _unwrap(child)
            if len(child.children) == 1:
                frame.children[index] = child.children[0]


def _arrows(root: Frame) -> list[tuple[Box, Box, str]]:
    box_of = {node.name: box for box in root.boxes() for node in box.nodes}
    arrows: dict[tuple[Box, Box], str] = {}
    for box in root.boxes():
        for node in box.nodes:
            for name in node.inputs:
                if name in box_of and box_of[name] is not box:
                    arrows[box_of[name], box] = node.kind if len(node.inputs) > 1 else "plain"
    return [(source, target, kind) for (source, target), kind in arrows.items()]
