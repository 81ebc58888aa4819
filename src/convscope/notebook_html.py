"""Small pieces of HTML by which results show themselves in a notebook: self-contained, and in any theme.

Colours are the notebook's own, and lines are half transparent, so that they fit light and dark ones alike.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Collection, Sequence

from .errors import printable

LINE = "rgba(128,128,128,.35)"
# Rows of a table that are shown, from the beginning and from the end.
MOST_ROWS, LAST_ROWS = 100, 20


def text(value: object) -> str:
    """Return a text, or anything as one, for use in HTML."""
    return html.escape(printable(value))


def table(caption: str, header: Sequence[str], rows: Sequence[Sequence[object]], numbers: Collection[int] = ()) -> str:
    """Return a table with a caption; the columns `numbers` stand to the right. Of many rows the middle is left out."""
    shown = list(rows)
    hidden = len(shown) - MOST_ROWS
    if hidden > 0:
        shown = [*shown[: MOST_ROWS - LAST_ROWS], *shown[-LAST_ROWS:]]
    lines = [_row("td", row, numbers) for row in shown]
    if hidden > 0:
        more = f'<tr><td colspan="{len(header)}" style="text-align:center">… {hidden:,} more …</td></tr>'
        lines.insert(MOST_ROWS - LAST_ROWS, more)
    head = f"<thead>{_row('th', header, numbers)}</thead>" if header else ""
    return (
        f'<table style="border-collapse:collapse;color:inherit;font-size:13px;font-variant-numeric:tabular-nums">'
        f'<caption style="text-align:left;font-weight:600;padding:4px 0;caption-side:top;white-space:nowrap">'
        f"{text(caption)}</caption>"
        f"{head}<tbody>{''.join(lines)}</tbody></table>"
    )


def paragraph(lines: Sequence[object]) -> str:
    """Return lines below one another, in small type."""
    return f'<p style="font-size:13px;margin:6px 0">{"<br>".join(map(text, lines))}</p>' if lines else ""


def pictures(named: Sequence[tuple[str, bytes]], side: int = 180) -> str:
    """Return PNG pictures beside one another, each with its name below."""
    size = f"width:{side}px"
    figures = [
        f'<figure style="margin:0;{size}"><img alt="{text(name)}" style="{size};image-rendering:pixelated"'
        f' src="data:image/png;base64,{base64.b64encode(content).decode()}">'
        f'<figcaption style="font-size:12px">{text(name)}</figcaption></figure>'
        for name, content in named
    ]
    return f'<div style="display:flex;flex-wrap:wrap;gap:12px;margin:6px 0">{"".join(figures)}</div>' if figures else ""


def curve(name: str, values: Sequence[float], width: int = 260, height: int = 60) -> str:
    """Return a line through values, the first at the left, with its ends in words; nothing for fewer than two."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    points = " ".join(
        f"{4 + i * (width - 8) / (len(values) - 1):.1f},{4 + (high - v) * (height - 8) / ((high - low) or 1):.1f}"
        for i, v in enumerate(values)
    )
    words = f"{name}: {values[0]:.4g} to {values[-1]:.4g} in {len(values)} epochs"
    return (
        f'<figure style="margin:6px 0"><svg width="{width}" height="{height}" role="img" aria-label="{text(words)}">'
        f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.5"/></svg>'
        f'<figcaption style="font-size:12px">{text(words)}</figcaption></figure>'
    )


def _row(kind: str, cells: Sequence[object], numbers: Collection[int]) -> str:
    built = []
    for column, cell in enumerate(cells):
        side = "right" if column in numbers else "left"
        style = f"text-align:{side};padding:2px 10px 2px 0;border-bottom:1px solid {LINE}"
        built.append(f'<{kind} style="{style}">{text(cell)}</{kind}>')
    return f"<tr>{''.join(built)}</tr>"
