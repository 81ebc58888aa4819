"""SVG drawings: sheets of maps with their legend, bars of probabilities, and the gradients of all layers.

Text stays text, so that names in any script are drawn with the reader's fonts. Within a page they use the page's
colours (`var(--ink)`), outside of it the light ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from PIL import Image

from ..errors import printable
from ..html_page import percent
from ..map_colours import NEGATIVE, POSITIVE
from ..png import png_url

INK, SOFT, LINE, ACCENT = (
    "var(--ink, #1d2430)",
    "var(--soft, #5b6472)",
    "var(--line, #e4e2dc)",
    "var(--accent, #0b6e8f)",
)
PAPER = "var(--paper, #fbfaf7)"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Noto Sans CJK SC', 'PingFang SC', sans-serif"
WIDTH = 720
# At most this many stems have their name below them.
MAX_NAMES = 16


def sheet(title: str, note: str, picture: Image.Image, limit: float | None) -> str:
    """Return a picture with title, note and, unless `limit` is None, the legend of its scale from -limit to limit."""
    inner = WIDTH - 48
    scale = min(inner / picture.width, 24.0)
    width, height = picture.width * scale, picture.height * scale
    parts = [
        _text(24, 36, title, size=18, weight=600),
        _text(24, 58, note, colour=SOFT),
        f'<image x="24" y="76" width="{width:.1f}" height="{height:.1f}" href="{png_url(picture)}" '
        'style="image-rendering:pixelated"/>',
    ]
    if limit is not None:
        parts.append(_legend(24, 92 + height, limit))
    return _svg(WIDTH, math.ceil(height) + (132 if limit is not None else 100), parts)


def bars(title: str, rows: Sequence[tuple[str, float]]) -> str:
    """Return named shares 0..1 as a bar chart."""
    parts = [_text(24, 36, title, size=18, weight=600)]
    for i, (name, share) in enumerate(rows):
        top = 60 + 32 * i
        parts += [
            _text(216, top + 16, _short(name, 26), anchor="end"),
            f'<rect x="228" y="{top + 3}" width="380" height="18" rx="4" fill="{LINE}"/>',
            f'<rect x="228" y="{top + 3}" width="{max(380 * share, 1):.1f}" height="18" rx="4" fill="{ACCENT}"/>',
            _text(620, top + 16, percent(share)),
        ]
    return _svg(WIDTH, 76 + 32 * len(rows), parts)


def stems(names: Sequence[str], values: Sequence[float]) -> str:
    """Return one bar per layer on a logarithmic scale of at most 16 powers of ten; a value of 0 has no bar."""
    positive = [value for value in values if value > 0 and math.isfinite(value)]
    top = math.ceil(math.log10(max(positive))) if positive else 0
    bottom = max(math.floor(math.log10(min(positive))) if positive else -1, top - 16)
    bottom = min(bottom, top - 1)
    left, right, head, foot = 72, WIDTH - 16, 16, 216

    def height(value: float) -> float:
        return foot - (foot - head) * (min(max(math.log10(value), bottom), top) - bottom) / (top - bottom)

    parts = []
    for power in range(top, bottom - 1, -max(-(-(top - bottom) // 8), 1)):
        y = foot - (foot - head) * (power - bottom) / (top - bottom)
        parts += [
            f'<line x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" stroke="{LINE}"/>',
            _text(left - 10, y + 4, power_of_ten(power), anchor="end", colour=SOFT, size=12),
        ]
    step = (right - left) / max(len(names), 1)
    every = -(-len(names) // MAX_NAMES)
    for i, (name, value) in enumerate(zip(names, values, strict=True)):
        x = left + step * (i + 0.5)
        shown = f"<title>{_safe(name)}: {value:.3g}</title>"
        if value > 0 and math.isfinite(value):
            parts.append(
                f'<rect x="{x - max(step * 0.3, 0.6):.1f}" width="{max(step * 0.6, 1.2):.1f}" y="{height(value):.1f}" '
                f'height="{max(foot - height(value), 1):.1f}" rx="{min(step * 0.15, 3):.1f}" fill="{ACCENT}">'
                f"{shown}</rect>"
            )
        if i % every == 0:
            turned = f'transform="rotate(-38 {x:.1f} {foot + 16})"'
            parts.append(_text(x + 3, foot + 16, _short(name, 18), anchor="end", colour=SOFT, size=12, more=turned))
    return _svg(WIDTH, foot + 92, parts)


def number(value: float) -> str:
    """Return a number with three digits and a typographic minus sign."""
    return f"{value:.3g}".replace("-", "−")


def power_of_ten(power: int) -> str:
    """Return a power of ten as text: 10⁻³."""
    return "10" + str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _legend(x: float, y: float, limit: float) -> str:
    ends = ["rgb({},{},{})".format(*colour) for colour in (NEGATIVE, POSITIVE)]
    stops = [(0, ends[0], 1), (0.5, ends[0], 0), (0.5, ends[1], 0), (1, ends[1], 1)]
    gradient = "".join(f'<stop offset="{at}" stop-color="{c}" stop-opacity="{o}"/>' for at, c, o in stops)
    return (
        f'<defs><linearGradient id="scale">{gradient}</linearGradient></defs>'
        f'<rect x="{x}" y="{y:.1f}" width="240" height="12" rx="3" fill="url(#scale)" stroke="{LINE}"/>'
        + _text(x, y + 28, number(-limit), colour=SOFT, size=12)
        + _text(x + 120, y + 28, "0", anchor="middle", colour=SOFT, size=12)
        + _text(x + 240, y + 28, number(limit), anchor="end", colour=SOFT, size=12)
    )


def _svg(width: int, height: int, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="{FONT}" font-size="14">'
        f'<rect class="sheet" width="{width}" height="{height}" fill="{PAPER}"/>{"".join(parts)}</svg>\n'
    )


def _text(
    x: float, y: float, text: str, anchor: str = "start", colour: str = INK, size: int = 14, weight: int = 400,
    more: str = "",
) -> str:  # fmt: skip
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}" '
        f'font-weight="{weight}" {more}>{_safe(text)}</text>'
    )


def _safe(text: str) -> str:
    return escape(printable(text))


def _short(text: str, length: int) -> str:
    """Return the end of a long name, in which names of layers and files differ."""
    return text if len(text) <= length else f"…{text[1 - length :]}"
