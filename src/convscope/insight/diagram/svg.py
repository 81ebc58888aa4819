"""The diagram as SVG, with colours for light and dark."""

from __future__ import annotations

from html import escape
from importlib.resources import files

from ..tracing.graph import Node, Trace
from .boxes import PADDING, Box, Diagram, Frame
from .labels import LINE, describe, shape_text
from .layout import bulge

# One hue per kind, pale for the box and strong for its edge and for the arrows that lead to it.
HUES = {
    "input": 0, "conv": 210, "linear": 260, "pool": 150, "global_pool": 150, "norm": 45, "activation": 15, "add": 28,
    "concat": 175, "multiply": 300, "softmax": 330, "flatten": 90, "reshape": 90, "pad": 90, "dropout": 60,
}  # fmt: skip
WORDS = {"global_pool": "pool", "conv": "convolution", "concat": "concatenation", "norm": "normalisation"}
GREY = {"input", "identity", "other"}

HEADER = 62.0


def draw(diagram: Diagram, trace: Trace) -> str:
    """Return the SVG document."""
    kinds = list(dict.fromkeys(node.kind for node in trace.nodes if node.kind not in GREY))
    boxes = list(diagram.root.boxes())
    paths, right = _paths(diagram, boxes)
    legend, legend_right = _legend(kinds)
    total = sum(weight.numel() for weight in trace.modules[""].parameters())
    title = f"{trace.network}: {len(trace.nodes) - 1} operations, {total:,} parameters"
    width = max(diagram.root.width, right + 12, legend_right + 12, len(title) * 8.6 + 24)
    height = diagram.root.height + HEADER
    style = files(__package__).joinpath("diagram.css").read_text("utf-8") + "".join(_hue(kind) for kind in kinds)
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" class="cs-d" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" aria-label="{escape(title)}">',
        f"<style>{style}</style>",
        '<defs><marker id="cs-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerUnits="userSpaceOnUse" markerWidth="8" '
        'markerHeight="8" orient="auto-start-reverse"><path d="M0 0 8 4 0 8z"/></marker></defs>',
        f'<rect class="page" width="{width:.0f}" height="{height:.0f}"/>',
        f'<text class="title" x="12" y="24">{escape(title)}</text>',
        *legend,
        f'<g transform="translate(0 {HEADER:.0f})">',
        *(_frame(frame) for frame in diagram.root.frames()),
        f'<g class="{"many" if len(paths) > 150 else ""}">',
        *paths,
        "</g>",
        *(_label(frame) for frame in diagram.root.frames()),
        *(_box(box) for box in boxes),
        "</g>",
        "</svg>",
    ])  # fmt: skip


def _hue(kind: str) -> str:
    hue = HUES.get(kind, 0)
    return (
        f".cs-d .{kind}{{fill:hsl({hue} 75% 94%);stroke:hsl({hue} 45% 55%)}}"
        f"@media (prefers-color-scheme:dark){{.cs-d .{kind}{{fill:hsl({hue} 35% 18%);stroke:hsl({hue} 40% 50%)}}}}\n"
    )


def _legend(kinds: list[str]) -> tuple[list[str], float]:
    parts, x, seen = [], 12.0, set()
    for kind in kinds:
        word = WORDS.get(kind, kind)
        if word in seen:
            continue
        seen.add(word)
        parts.append(f'<rect class="{kind}" x="{x:.0f}" y="36" width="12" height="12" rx="3"/>')
        parts.append(f'<text x="{x + 17:.0f}" y="46">{word}</text>')
        x += 17 + len(word) * 6.3 + 12
    return parts, x


def _frame(frame: Frame) -> str:
    return (
        f'<rect class="frame" x="{frame.x:.1f}" y="{frame.y:.1f}" width="{frame.width:.1f}" '
        f'height="{frame.height:.1f}" rx="9"/>'
    )


def _label(frame: Frame) -> str:
    fits = (len(frame.name) + len(frame.type)) * 6.8 + 32 < frame.width
    name = frame.name if fits else frame.name.rpartition(".")[2]
    text = f'<tspan class="name">{escape(name)}</tspan>' + (f"  {escape(frame.type)}" if frame.type else "")
    return f'<text class="label" x="{frame.x + 10:.1f}" y="{frame.y + 17:.1f}" xml:space="preserve">{text}</text>'


def _box(box: Box) -> str:
    main = next((node for node in box.nodes if node.kind in ("conv", "linear")), box.nodes[0])
    kind = main.kind if main.kind not in GREY and not box.closed else ""
    lines = []
    for index, (name, what, shape) in enumerate(box.lines):
        y = box.y + PADDING / 2 + (index + 0.72) * LINE
        text = f'<tspan class="name">{escape(name)}</tspan>  {escape(what)}' if name else escape(what)
        lines.append(f'<text x="{box.x + PADDING:.1f}" y="{y:.1f}" xml:space="preserve">{text}</text>')
        if shape:
            right = box.x + box.width - PADDING
            lines.append(f'<text class="shape" x="{right:.1f}" y="{y:.1f}" text-anchor="end">{shape}</text>')
    return (
        f'<g><title>{escape(_tooltip(box))}</title><rect class="box {kind}" x="{box.x:.1f}" y="{box.y:.1f}" '
        f'width="{box.width:.1f}" height="{box.height:.1f}" rx="5"/>{"".join(lines)}</g>'
    )


def _tooltip(box: Box) -> str:
    return "\n".join(_in_words(node) for node in box.nodes)


def _in_words(node: Node) -> str:
    parameters = f", {node.parameters:,} parameters" if node.parameters else ""
    return f"{node.name}: {node.type}, {describe(node)}, {shape_text(node.shape)}{parameters}"


def _paths(diagram: Diagram, boxes: list[Box]) -> tuple[list[str], float]:
    """Return every arrow, and the right edge of the longest: straight down, or down and across, or around the side.

    The first of these is taken that runs through no box.
    """
    paths, right = [], 0.0
    for source, target, kind in diagram.arrows:
        x1, y1 = source.x + source.width / 2, source.y + source.height
        x2, y2 = target.x + target.width / 2, target.y
        bend = y2 - 26
        between = [b for b in boxes if b is not source and b is not target and b.y < y2 and b.y + b.height > y1]
        if y2 > y1 and not any(_crosses(b, x1, y1, x2, y2) for b in between):
            shape = f"M{x1:.1f} {y1:.1f}{_curve(x1, y1, x2, y2)}"
        elif bend > y1 and not any(_crosses(b, x1, y1, x1, bend) or _crosses(b, x1, bend, x2, y2) for b in between):
            shape = f"M{x1:.1f} {y1:.1f}V{bend:.1f}{_curve(x1, bend, x2, y2)}"
        else:
            x1, y1 = source.x + source.width, source.y + source.height / 2
            x2, y2 = target.x + target.width, target.y + target.height / 2
            outermost = max([x1, x2, *(b.x + b.width for b in between)])
            out = outermost + bulge(abs(y2 - y1)) * 0.8
            right = max(right, out)
            # A cubic goes three quarters of the way to its handles.
            handle = max(x1, x2) + (out - max(x1, x2)) / 0.75
            shape = f"M{x1:.1f} {y1:.1f}C{handle:.1f} {y1:.1f} {handle:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
        paths.append(f'<path class="path-{kind}" d="{shape}" marker-end="url(#cs-arrow)"/>')
    return paths, right


def _curve(x1: float, y1: float, x2: float, y2: float) -> str:
    middle = (y1 + y2) / 2
    return f"C{x1:.1f} {middle:.1f} {x2:.1f} {middle:.1f} {x2:.1f} {y2:.1f}"


def _crosses(box: Box, x1: float, y1: float, x2: float, y2: float) -> bool:
    """Tell whether the path from (x1, y1) down to (x2, y2) runs through the box."""
    middle = (y1 + y2) / 2
    for step in range(1, 24):
        t = step / 24
        a, b, c, d = (1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3
        x, y = (a + b) * x1 + (c + d) * x2, a * y1 + (b + c) * middle + d * y2
        if box.x < x < box.x + box.width and box.y < y < box.y + box.height:
            return True
    return False
