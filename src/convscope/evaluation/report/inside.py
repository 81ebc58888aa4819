"""The layers of a network as the rows of a table: their values as a box, their gradients as a bar."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ...insight import Distribution

WIDTH, HEIGHT = 160, 14
RECTIFIERS = ("relu", "relu6", "threshold")


def inside_rows(layers: Sequence[Distribution]) -> dict[str, Any]:
    """Return `rows` for the page, `dead` and `rectified`: channels behind rectifiers; and whether `gradients` exist."""
    sizes = [row.gradient_size for row in layers if row.gradient_size and math.isfinite(row.gradient_size)]
    low, high = (math.log10(min(sizes)), math.log10(max(sizes))) if sizes else (0.0, 0.0)
    behind = [row for row in layers if row.type.lower() in RECTIFIERS]
    return {
        "rows": [
            {
                "name": row.name,
                "type": row.type,
                "low": row.values[1],
                "high": row.values[5],
                "box": box(row.values),
                "zeros": row.zeros,
                "dead": row.dead,
                "channels": row.channels,
                "gradient": row.gradient_size,
                "gradient_share": _share(row.gradient_size, low, high),
            }
            for row in layers
        ],
        "dead": sum(row.dead for row in behind),
        "rectified": sum(row.channels for row in behind),
        "gradients": any(row.gradient_size is not None for row in layers),
    }


def box(values: Sequence[float]) -> str:
    """Return the quantiles of a layer as SVG: a line from 1 % to 99 %, a box for the middle half, the median."""
    _, low, lower, median, upper, high, _ = values
    if not all(map(math.isfinite, values)) or high <= low:
        return ""

    def x(value: float) -> float:
        return 1 + (WIDTH - 2) * (value - low) / (high - low)

    middle = HEIGHT / 2
    zero = f'<path class="zero" d="M{x(0):.1f} 0V{HEIGHT}"/>' if low < 0 < high else ""
    return (
        f'<svg class="box" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">{zero}'
        f'<path class="whole" d="M1 {middle:.0f}H{WIDTH - 1}"/>'
        f'<rect x="{x(lower):.1f}" y="2" width="{max(x(upper) - x(lower), 0.5):.1f}" height="{HEIGHT - 4}"/>'
        f'<path class="median" d="M{x(median):.1f} 1V{HEIGHT - 1}"/></svg>'
    )


def _share(size: float | None, low: float, high: float) -> float:
    """Return the length of a bar in %, on a logarithmic scale on which the smallest still shows."""
    if not size or not math.isfinite(size):
        return 0.0
    return 100.0 if high <= low else 8 + 92 * (math.log10(size) - low) / (high - low)
