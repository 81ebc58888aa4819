"""Where boxes go: from top to bottom in the order of the data, branches beside each other, frames around their blocks.

The idea is that of Sugiyama, Tagawa and Toda (1981), ranks by the longest path, made simple by what networks are like:
a branch keeps its lane until it joins another.
"""

from __future__ import annotations

from .boxes import Box, Frame, Picture

BETWEEN, BESIDE, AROUND, HEAD = 22.0, 20.0, 12.0, 26.0
Item = Box | Frame


def arrange(picture: Picture) -> Picture:
    """Give every box and frame its place."""
    _size(picture.root, picture)
    _move(picture.root, 0.0, 0.0)
    return picture


def bulge(length: float) -> float:
    """How far a path beside the boxes goes out."""
    return 16 + min(0.05 * length, 150)


def _size(frame: Frame, picture: Picture) -> None:
    """Places of the children inside of the frame, inner frames first."""
    for child in frame.children:
        if isinstance(child, Frame):
            _size(child, picture)
    edges, entering = _lifted(frame, picture)
    ranks = _ranks(frame, edges)
    lanes = _lanes(frame, edges, ranks)
    columns = max(lanes.values()) + 1
    widths = [max((c.width for c in frame.children if lanes[c] == lane), default=0.0) for lane in range(columns)]
    lefts = [sum(widths[:lane]) + BESIDE * lane for lane in range(columns)]
    inner = lefts[-1] + widths[-1]
    alone = _alone(frame, edges, ranks, lanes)
    top = HEAD if frame.name else AROUND
    for rank in range(max(ranks.values()) + 1):
        row = [child for child in frame.children if ranks[child] == rank]
        for child in row:
            width, left = (inner, 0.0) if child in alone else (widths[lanes[child]], lefts[lanes[child]])
            child.x, child.y = AROUND + left + (width - child.width) / 2, top
        top += max(child.height for child in row) + BETWEEN
    frame.height = top - BETWEEN + AROUND
    far = [b.y - a.y for a, b in edges if ranks[b] - ranks[a] > 1 and lanes[a] == lanes[b]]
    far += [child.y for child in entering if ranks[child] > 0]
    frame.width = inner + 2 * AROUND + (bulge(max(far)) if far else 0.0)
    label = len(frame.name.rpartition(".")[2] + frame.type) * 6.6 + 40
    if frame.width < label:
        shift = (label - frame.width) / 2
        for child in frame.children:
            child.x += shift
        frame.width = label


def _move(frame: Frame, x: float, y: float) -> None:
    """Places inside of a frame become places in the picture."""
    for child in frame.children:
        child.x, child.y = child.x + x, child.y + y
        if isinstance(child, Frame):
            _move(child, child.x, child.y)


def _lifted(frame: Frame, picture: Picture) -> tuple[list[tuple[Item, Item]], list[Item]]:
    """The arrows between the children of a frame, forwards only, and the children that are fed from outside."""
    owner: dict[Box, int] = {}
    for index, child in enumerate(frame.children):
        for box in [child] if isinstance(child, Box) else child.boxes():
            owner[box] = index
    edges: dict[tuple[int, int], None] = {}
    entering: dict[int, None] = {}
    for source, target, _ in picture.arrows:
        if target in owner and source not in owner:
            entering[owner[target]] = None
        elif target in owner and owner[source] < owner[target]:
            edges[owner[source], owner[target]] = None
    return [(frame.children[a], frame.children[b]) for a, b in edges], [frame.children[i] for i in entering]


def _ranks(frame: Frame, edges: list[tuple[Item, Item]]) -> dict[Item, int]:
    ranks: dict[Item, int] = {}
    for child in frame.children:
        ranks[child] = 1 + max((ranks[a] for a, b in edges if b is child), default=-1)
    return ranks


def _lanes(frame: Frame, edges: list[tuple[Item, Item]], ranks: dict[Item, int]) -> dict[Item, int]:
    """The lane of the first that feeds an item, if it is free, else a new one beside."""
    lanes: dict[Item, int] = {}
    taken: set[tuple[int, int]] = set()
    for child in sorted(frame.children, key=lambda c: ranks[c]):
        rank = ranks[child]
        feeding = [a for a, b in edges if b is child and a in lanes]
        wanted = sorted({lanes[a] for a in feeding})
        lane = next((lane for lane in wanted if (rank, lane) not in taken), None)
        if lane is None:
            lane = 0
            while (rank, lane) in taken or _passed(lane, rank, edges, ranks, lanes):
                lane += 1
        lanes[child] = lane
        taken.add((rank, lane))
    return lanes


def _passed(
    lane: int, rank: int, edges: list[tuple[Item, Item]], ranks: dict[Item, int], lanes: dict[Item, int]
) -> bool:
    """An arrow from this lane goes past this rank."""
    return any(lanes.get(a) == lane and ranks[a] < rank < ranks[b] for a, b in edges)


def _alone(frame: Frame, edges: list[tuple[Item, Item]], ranks: dict[Item, int], lanes: dict[Item, int]) -> set[Item]:
    """Those that have their rank for themselves, with no arrow past them in another lane: they stand in the middle."""
    counts: dict[int, int] = {}
    for child in frame.children:
        counts[ranks[child]] = counts.get(ranks[child], 0) + 1
    for a, b in edges:
        for rank in range(ranks[a] + 1, ranks[b]):
            if any(ranks[child] == rank and lanes[child] != lanes[a] for child in frame.children):
                counts[rank] = 2
    return {child for child in frame.children if counts[ranks[child]] == 1}
