"""Layers as the page and the files show them: kind, settings, pictures, and groups of neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from PIL import Image

from ..insight import Node, tile
from ..map_colours import FRAMED, coloured, scale_limit
from .findings import MAX_MAPS, Layer

# Units of a vector in one row of its picture, and the side of one.
ROW, CELL = 64, 10
# The side at which small maps are drawn, and the gap between them.
MAP_SIDE, GAP = 56, 5
# Larger groups of layers are divided by the next part of their names.
MAX_GROUP = 40
KINDS = {
    "conv": ("convolution", "卷积"),
    "pool": ("pooling", "池化"),
    "global_pool": ("global pooling", "全局池化"),
    "linear": ("fully connected", "全连接"),
    "norm": ("normalisation", "归一化"),
    "activation": ("activation", "激活"),
    "add": ("addition", "相加"),
    "concat": ("concatenation", "拼接"),
    "multiply": ("multiplication", "相乘"),
    "softmax": ("softmax", "softmax"),
}
# Chinese names and usual values of settings.
SETTINGS = {"stride": ("步长", 1), "padding": ("填充", 0), "dilation": ("膨胀", 1), "groups": ("分组", 1)}


@dataclass(frozen=True)
class LayerGroup:
    """Neighbouring layers of one block."""

    name: str
    layers: list[Layer]


def group_layers(layers: list[Layer]) -> list[LayerGroup]:
    """Group layers by block, in their order; by inner blocks where a group would be too long to read."""
    groups = _by_block(layers, 1)
    for depth in (2, 3):
        if max((len(group.layers) for group in groups), default=0) > MAX_GROUP:
            groups = _by_block(layers, depth)
    return groups


def _by_block(layers: list[Layer], depth: int) -> list[LayerGroup]:
    def block(layer: Layer) -> str:
        return ".".join(layer.node.group.split(".")[:depth])

    return [LayerGroup(name, list(members)) for name, members in groupby(layers, block)]


def kind_texts(node: Node) -> tuple[str, str]:
    """Return what a layer is, in English and Chinese."""
    return KINDS.get(node.kind, (node.type, node.type))


def settings(node: Node) -> tuple[str, str]:
    """Return `5 × 5, stride 2, padding 2` in English and Chinese for convolution and pooling, without defaults."""
    if node.kind not in ("conv", "pool"):
        return "", ""
    attributes: dict[str, Any] = node.attributes
    english, chinese = [], []
    if attributes.get("kernel_size") is not None:
        english.append(" × ".join(map(str, _pair(attributes["kernel_size"]))))
        chinese.append(english[0])
    for key, (zh, default) in SETTINGS.items():
        value = attributes.get(key)
        value = value[0] if isinstance(value, list | tuple) and len(set(value)) == 1 else value
        if value not in (None, default):
            shown = " × ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            english.append(f"{key} {shown}")
            chinese.append(f"{zh} {shown}")
    return ", ".join(english), "，".join(chinese)


def layer_picture(layer: Layer, values: np.ndarray, limit: float, columns: int = MAX_MAPS) -> Image.Image:
    """Return maps in rows of `columns`, each in a thin frame, or the units of a vector in rows of at most ROW."""
    if layer.is_vector:
        units = values.reshape(-1, 1, 1)
        side = CELL if len(units) > 2 * columns else 3 * CELL
        return coloured(tile(_framed(units, side), min(ROW, len(units)), 2), limit)
    return coloured(tile(_filled(_framed(values, MAP_SIDE), columns), columns, GAP), limit)


def gradient_limit(layer: Layer) -> float:
    """Return the end of the colour scale of a layer's gradient."""
    return scale_limit(layer.gradient)


def _framed(maps: np.ndarray, side: int) -> np.ndarray:
    """Enlarge maps by whole squares to at least `side` and add a frame of one pixel, which shows a map of zeros too."""
    factor = -(-side // max(maps.shape[1:]))
    large = maps.repeat(factor, 1).repeat(factor, 2)
    return np.pad(large, ((0, 0), (1, 1), (1, 1)), constant_values=FRAMED)


def _filled(maps: np.ndarray, columns: int) -> np.ndarray:
    """Fill the first row with empty maps, so that the maps of all layers are drawn at the same size."""
    missing = max(columns - len(maps), 0)
    return np.concatenate([maps, np.full((missing, *maps.shape[1:]), np.nan, np.float32)])


def _pair(value: Any) -> list[int]:
    return list(value) if isinstance(value, list | tuple) else [value, value]
