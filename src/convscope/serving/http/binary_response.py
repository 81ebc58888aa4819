"""The binary answers: a JSON header that says what the numbers mean, then the numbers, ready to be used in place.

uint32 little-endian length of the header, the header in UTF-8, zero bytes up to a multiple of 4, then the payload.
Every `offset` in the header counts from the start of the payload and is a multiple of 4.
"""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import numpy as np
import torch
from torch import Tensor

CONTENT_TYPE = "application/x-convscope"


class Payload:
    """Arrays one after the other; `add` says where each begins."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0

    def add(self, array: np.ndarray) -> int:
        """Append an array, row by row and little-endian; the result is its offset in bytes."""
        content = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
        offset = self.size
        content += bytes(-len(content) % 4)
        self.parts.append(content)
        self.size += len(content)
        return offset

    def pack(self, header: dict[str, Any]) -> bytes:
        """The whole container."""
        text = to_json(header)
        return b"".join([struct.pack("<I", len(text)), text, bytes(-(len(text)) % 4), *self.parts])


def to_json(document: Any) -> bytes:
    """Compact JSON; what is not finite becomes null, since JSON has no word for it."""
    try:
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except ValueError:
        return json.dumps(finite(document), ensure_ascii=True, separators=(",", ":")).encode()


def finite(value: Any) -> Any:
    """The same document with None for NaN and infinity."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def add_layer(payload: Payload, name: str, output: Tensor, maps: slice | list[int]) -> dict[str, Any]:
    """A layer's maps as bytes, value = low + q / 255 * (high - low); the result is its entry in the header.

    `output` is one image's, without N. `maps` is a range in the order of strength (mean absolute value), or the numbers
    of the maps. A vector, and a C x 1 x 1, is one map of 1 x n.
    """
    planes = as_planes(output)
    numbers = maps if isinstance(maps, list) else strongest(planes)[maps]
    chosen = planes[numbers].cpu().numpy()
    lows, highs = chosen.min((1, 2), initial=np.inf), chosen.max((1, 2), initial=-np.inf)
    spans = np.where(highs > lows, highs - lows, 1)[:, None, None]
    levels = np.rint((chosen - lows[:, None, None]) * (255 / spans))
    levels = (levels if np.isfinite(highs - lows).all() else np.nan_to_num(levels)).astype(np.uint8)
    low, high = planes.aminmax()
    return {
        "name": name,
        "shape": list(output.shape),
        "low": float(low),
        "high": float(high),
        "total": len(planes),
        "maps": [
            {"map": number, "low": float(lows[i]), "high": float(highs[i]), "offset": payload.add(levels[i])}
            for i, number in enumerate(numbers)
        ],
    }


def as_planes(output: Tensor) -> Tensor:
    """One image's output of any shape -> maps x height x width, float32."""
    output = output.detach().float()
    if output.ndim == 3 and output.shape[1] * output.shape[2] > 1:
        return output
    return output[None] if output.ndim == 2 else output.reshape(1, 1, -1)


def strongest(planes: Tensor) -> list[int]:
    """Numbers of the maps by mean absolute value, the largest first; equal ones in their own order."""
    order: list[int] = torch.linalg.vector_norm(planes, 1, (1, 2)).argsort(descending=True, stable=True).tolist()
    return order
