"""The positions of boxes: from top to bottom in the order of the data, branches side by side, frames around blocks.

After Sugiyama, Tagawa and Toda, *Methods for Visual Understanding of Hierarchical System Structures*, 1981: rows by the
longest path. It is simpler here, because networks are simple: a branch keeps its column until it joins another.
"""

from __future__ import annotations

from .boxes import Box, Diagram, Frame

# Pixels between rows, between columns, around what a frame contains, and for its label.
ROW_GAP, COLUMN_GAP, PADDING, LABEL = 22.0, 20.0, 12.0, 26.0
Item = Box | Frame
Edges = list[tuple[Item, Item]]


def arrange(diagram: Diagram) -> Diagram:
    """Set the position of every box and frame."""
    _arrange_within(diagram.root, diagram)
    _move(diagram.root, 0.0, 0.0)
    return diagram


def bulge(length: float) -> float:
    """Return how far an arrow of this length bends out, where it passes beside boxes."""
    return 16 + min(0.05 * length, 150)


def _arrange_within(frame: Frame, diagram: Diagram) -> None:
    """Set the positions of a frame's children relative to it, inner frames first, and its size."""
    for child in frame.children:
        if isinstance(child, Frame):
            _arrange_within(child, diagram)
    edges, entering = _edges_within(frame, diagram)
    rows = _rows(frame, edges)
    columns = _columns(frame, edges, rows)
    numbers = range(max(columns.values()) + 1)
    widths = [max((c.width for c in frame.children if columns[c] == number), default=0.0) for number in numbers]
    lefts = [sum(widths[:number]) + COLUMN_GAP * number for number in numbers]
    inner = lefts[-1] + widths[-1]
    alone = _alone_in_row(frame, edges, rows, columns)
    top = LABEL if frame.name else PADDING
    for row in range(max(rows.values()) + 1):
        items = [child for child in frame.children if rows[child] == row]
        for item in items:
            width, left = (inner, 0.0) if item in alone else (widths[columns[item]], lefts[columns[item]])
            item.x, item.y = PADDING + left + (width - item.width) / 2, top
        top += max(item.height for item in items) + ROW_GAP
    frame.height = top - ROW_GAP + PADDING
    far = [b.y - a.y for a, b in edges if rows[b] - rows[a] > 1 and columns[a] == columns[b]]
    far += [child.y for child in entering if rows[child] > 0]
    frame.width = inner + 2 * PADDING + (bulge(max(far)) if far else 0.0)
    label = len(frame.name.rpartition(".")[2] + frame.type) * 6.6 + 40
    if frame.width < label:
        shift = (label - frame.width) / 2
        for child in frame.children:
            child.x += shift
        frame.width = label


def _move(frame: Frame, x: float, y: float) -> None:
    """Turn positions relative to a frame, which is at (x, y), into positions in the diagram."""
    for child in frame.children:
        child.x, child.y = child.x + x, child.y + y
        if isinstance(child, Frame):
            _move(child, child.x, child.y)


def _edges_within(frame: Frame, diagram: Diagram) -> tuple[Edges, list[Item]]:
    """Return the arrows between the children of a frame, forwards only, and the children that are fed from outside."""
    owner: dict[Box, int] = {}
    for index, child in enumerate(frame.children):
        for box in [child] if isinstance(child, Box) else child.boxes():
            owner[box] = index
    edges: dict[tuple[int, int], None] = {}
    entering: dict[int, None] = {}
    for source, target, _ in diagram.arrows:
        if target in owner and source not in owner:
            entering[owner[target]] = None
        elif target in owner and owner[source] < owner[target]:
            edges[owner[source], owner[target]] = None
    return [(frame.children[a], frame.children[b]) for a, b in edges], [frame.children[i] for i in entering]


def _rows(frame: Frame, edges: Edges) -> dict[Item, int]:
    """Return the row of each child: one below the lowest that feeds it."""
    rows: dict[Item, int] = {}
    for child in frame.children:
        rows[child] = 1 + max((rows[a] for a, b in edges if b is child), default=-1)
    return rows


def _columns(frame: Frame, edges: Edges, rows: dict[Item, int]) -> dict[Item, int]:
    """Return the column of each child: that of the first that feeds it if it is free, else the next free one."""
    columns: dict[Item, int] = {}
    taken: set[tuple[int, int]] = set()
    for child in sorted(frame.children, key=lambda c: rows[c]):
        row = rows[child]
        wanted = sorted({columns[a] for a, b in edges if b is child and a in columns})
        column = next((column for column in wanted if (row, column) not in taken), None)
        if column is None:
            column = 0
            while (row, column) in taken or _is_passed(column, row, edges, rows, columns):
                column += 1
        columns[child] = column
        taken.add((row, column))
    return columns


def _is_passed(column: int, row: int, edges: Edges, rows: dict[Item, int], columns: dict[Item, int]) -> bool:
    """Tell whether an arrow from this column goes past this row."""
    return any(columns.get(a) == column and rows[a] < row < rows[b] for a, b in edges)


def _alone_in_row(frame: Frame, edges: Edges, rows: dict[Item, int], columns: dict[Item, int]) -> set[Item]:
    """Return the children that are alone in their row, with no arrow past them: they are centred."""
    counts: dict[int, int] = {}
    for child in frame.children:
        counts[rows[child]] = counts.get(rows[child], 0) + 1
    for a, b in edges:
        for row in range(rows[a] + 1, rows[b]):
            if any(rows[child] == row and columns[child] != columns[a] for child in frame.children):
                counts[row] = 2
    return {child for child in frame.children if counts[rows[child]] == 1}
