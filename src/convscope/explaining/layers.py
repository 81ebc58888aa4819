"""The layers as the page and the files show them: names, settings and pictures."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from PIL import Image

from ..insight import Node, tile
from .colours import FRAMED, coloured, limit_of
from .findings import MAPS, Layer

# Units of a vector in one row of its picture, and the side of one.
ROW, CELL = 64, 10
# The side at which small maps are drawn, and what lies between them.
SHOWN, GAP = 56, 5
# Longer runs of layers are cut up by deeper parts of their names.
RUN = 40
KINDS = {
    "conv": ("convolution", "卷积"),
    "pool": ("pooling", "池化"),
    "global_pool": ("global pooling", "全局池化"),
    "linear": ("linear", "全连接"),
    "norm": ("normalisation", "归一化"),
    "activation": ("activation", "激活"),
    "add": ("addition", "相加"),
    "concat": ("concatenation", "拼接"),
    "multiply": ("multiplication", "相乘"),
    "softmax": ("softmax", "softmax"),
}


@dataclass(frozen=True)
class Run:
    """Neighbouring layers of one block."""

    name: str
    layers: list[Layer]


def runs_of(layers: list[Layer]) -> list[Run]:
    """The layers in their order, block by block; as coarse as keeps the parts readable."""
    found = _by_block(layers, 1)
    for depth in (2, 3):
        if max((len(run.layers) for run in found), default=0) > RUN:
            found = _by_block(layers, depth)
    return found


def _by_block(layers: list[Layer], depth: int) -> list[Run]:
    def block(layer: Layer) -> str:
        return ".".join(layer.node.group.split(".")[:depth])

    return [Run(name, list(group)) for name, group in groupby(layers, block)]


def kind_words(node: Node) -> tuple[str, str]:
    """What a layer is, in English and Chinese."""
    return KINDS.get(node.kind, (node.type, node.type))


def settings(node: Node) -> tuple[str, str]:
    """`5 × 5, stride 2, padding 2` in English and Chinese, of convolutions and pooling; what is usual is left out."""
    if node.kind not in ("conv", "pool"):
        return "", ""
    found: dict[str, Any] = node.attributes
    english, chinese = [], []
    if found.get("kernel_size") is not None:
        english.append(" × ".join(map(str, _pair(found["kernel_size"]))))
        chinese.append(english[0])
    for key, en, zh, usual in (
        ("stride", "stride", "步幅", 1), ("padding", "padding", "填充", 0), ("dilation", "dilation", "膨胀", 1),
        ("groups", "groups", "分组", 1),
    ):  # fmt: skip
        value = found.get(key)
        value = value[0] if isinstance(value, list | tuple) and len(set(value)) == 1 else value
        if value not in (None, usual):
            shown = " × ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            english.append(f"{en} {shown}")
            chinese.append(f"{zh} {shown}")
    return ", ".join(english), "，".join(chinese)


def picture(layer: Layer, values: np.ndarray, limit: float, columns: int = MAPS) -> Image.Image:
    """Maps in rows of `columns`, each in a thin frame, or the units of a vector in rows of at most ROW."""
    if layer.is_vector:
        units = values.reshape(-1, 1, 1)
        side = CELL if len(units) > 2 * columns else 3 * CELL
        return coloured(tile(_framed(units, side), min(ROW, len(units)), 2), limit)
    return coloured(tile(_filled(_framed(values, SHOWN), columns), columns, GAP), limit)


def gradient_limit(layer: Layer) -> float:
    """The end of the colour scale of a layer's gradient."""
    return limit_of(layer.gradient)


def _framed(maps: np.ndarray, side: int) -> np.ndarray:
    """Maps enlarged to at least `side` by whole squares, with a frame of one pixel: a map of zeros is seen as well."""
    factor = -(-side // max(maps.shape[1:]))
    large = maps.repeat(factor, 1).repeat(factor, 2)
    return np.pad(large, ((0, 0), (1, 1), (1, 1)), constant_values=FRAMED)


def _filled(maps: np.ndarray, columns: int) -> np.ndarray:
    """At least one full row, so that maps of all layers are drawn at the same size."""
    missing = max(columns - len(maps), 0)
    return np.concatenate([maps, np.full((missing, *maps.shape[1:]), np.nan, np.float32)])


def _pair(value: Any) -> list[int]:
    return list(value) if isinstance(value, list | tuple) else [value, value]
