"""Binary responses: a JSON header that describes the arrays, then the arrays, ready to be used in place.

uint32 little-endian length of the header, the header in UTF-8, zero bytes up to a multiple of 4, then the payload.
Every `offset` in the header counts from the start of the payload and is a multiple of 4.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import torch
from starlette.responses import Response
from torch import Tensor

from .json_bytes import to_json

CONTENT_TYPE = "application/x-convscope"


class Payload:
    """Arrays one after the other; `add` returns where each begins."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0

    def add(self, array: np.ndarray) -> int:
        """Append an array, row by row and little-endian, and return its offset in bytes."""
        content = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
        offset = self.size
        content += bytes(-len(content) % 4)
        self.parts.append(content)
        self.size += len(content)
        return offset

    def pack(self, header: dict[str, Any]) -> bytes:
        """Return the complete response: `header`, then the arrays."""
        text = to_json(header)
        return b"".join([struct.pack("<I", len(text)), text, bytes(-(len(text)) % 4), *self.parts])


def binary_response(content: bytes) -> Response:
    """Return a packed `Payload` as a response that is not cached."""
    return Response(content, media_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})


def add_layer(payload: Payload, name: str, output: Tensor, maps: slice | list[int]) -> dict[str, Any]:
    """Add maps of a layer as bytes, value = low + q / 255 * (high - low), and return the layer's entry in the header.

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
    """Return one image's output of any shape as maps x height x width, float32."""
    output = output.detach().float()
    if output.ndim == 3 and output.shape[1] * output.shape[2] > 1:
        return output
    return output[None] if output.ndim == 2 else output.reshape(1, 1, -1)


def strongest(planes: Tensor) -> list[int]:
    """Return the numbers of the maps by mean absolute value, the largest first; equal ones in their own order."""
    order: list[int] = torch.linalg.vector_norm(planes, 1, (1, 2)).argsort(descending=True, stable=True).tolist()
    return order
