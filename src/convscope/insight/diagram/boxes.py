"""What is drawn: boxes of layers that belong together, in frames that are the blocks of the network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..tracing.graph import Node, Trace
from .labels import CHARACTER, LINE, lines_of

PLAIN = {"norm", "activation", "dropout", "identity"}  # follow a layer in its box
PADDING = 8


@dataclass(eq=False)
class Box:
    """One or more nodes in a row; `closed` names the block whose inside is not drawn."""

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
        """Set the size by the text."""
        self.lines = lines_of(self.nodes, self.frame, self.closed, self.type)
        longest = max(
            len(name) * 1.1 + len(what) + len(shape) + 2 + 3 * bool(shape) for name, what, shape in self.lines
        )
        self.width, self.height = longest * CHARACTER + 2 * PADDING, len(self.lines) * LINE + PADDING


@dataclass(eq=False)
class Frame:
    """A block with what is in it."""

    name: str
    type: str = ""
    children: list[Box | Frame] = field(default_factory=list)
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0

    def boxes(self) -> Iterator[Box]:
        """All boxes inside, in the order in which they run."""
        for child in self.children:
            if isinstance(child, Box):
                yield child
            else:
                yield from child.boxes()

    def frames(self) -> Iterator[Frame]:
        """All frames inside, outer ones first."""
        for child in self.children:
            if isinstance(child, Frame):
                yield child
                yield from child.frames()


@dataclass
class Picture:
    """The frame of the whole network and the arrows between boxes, each with the kind of its target."""

    root: Frame
    arrows: list[tuple[Box, Box, str]]


def build(trace: Trace, most_boxes: int | None) -> Picture:
    """Frames and boxes of a trace; None gives every node a box and opens every block."""
    rows = [[node] for node in trace.nodes] if most_boxes is None else _rows(trace)
    root = Frame("")
    frames = {"": root}
    for row in rows:
        parts = row[0].group.split(".") if row[0].group else []
        for depth in range(1, len(parts) + 1):
            path = ".".join(parts[:depth])
            if path not in frames:
                frames[path] = Frame(path, trace.block_types.get(path, ""))
                frames[".".join(parts[: depth - 1])].children.append(frames[path])
        frames[row[0].group].children.append(Box(row))
    if most_boxes is not None:
        _close(root, most_boxes)
    _unwrap(root)
    for frame in (root, *root.frames()):
        for child in frame.children:
            if isinstance(child, Box):
                child.frame = frame.name
                child.measure()
    return Picture(root, _arrows(root))


def _rows(trace: Trace) -> list[list[Node]]:
    """A layer with the norm and the activation that only it feeds; a norm and activation with the layer behind them."""
    feeds: dict[str, int] = {}
    for node in trace.nodes:
        for name in node.inputs:
            feeds[name] = feeds.get(name, 0) + 1
    rows: list[list[Node]] = []
    for node in trace.nodes:
        row = rows[-1] if rows else []
        joins = (
            bool(row)
            and node.inputs == (row[-1].name,)
            and feeds[row[-1].name] == 1
            and node.group == row[-1].group
            and row[0].kind != "input"
        )
        heavy = any(other.kind not in PLAIN for other in row)
        before = bool(row) and row[0].kind in PLAIN
        fits = not (before and heavy) if node.kind in PLAIN else not heavy and node.kind in ("conv", "linear")
        if joins and fits:
            row.append(node)
        else:
            rows.append([node])
    return rows


def _close(root: Frame, most: int) -> None:
    """Make boxes of the deepest frames until there are few enough."""
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
    """A frame around one thing says nothing."""
    for index, child in enumerate(frame.children):
        if isinstance(child, Frame):
            _unwrap(child)
            if len(child.children) == 1:
                frame.children[index] = child.children[0]


def _arrows(root: Frame) -> list[tuple[Box, Box, str]]:
    home = {node.name: box for box in root.boxes() for node in box.nodes}
    arrows: dict[tuple[Box, Box], str] = {}
    for box in root.boxes():
        for node in box.nodes:
            for name in node.inputs:
                if name in home and home[name] is not box:
                    arrows[home[name], box] = node.kind if len(node.inputs) > 1 else "plain"
    return [(source, target, kind) for (source, target), kind in arrows.items()]
