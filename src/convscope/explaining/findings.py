"""Looking into a classifier while it looks at one image: everything that the page and the files show, as numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch.nn.functional as F
from torch import Tensor, nn

from ..classifier import Classifier, Prediction
from ..errors import printable
from ..insight import (
    MAP_METHODS,
    METHODS,
    Node,
    attribute,
    colour_kernels,
    gradients,
    kernels,
    layers_with_kernels,
    map_layer,
    structure_svg,
    trace,
)

# Maps shown of each layer, and the longest side at which they are kept.
MAPS, SIDE = 8, 112
# Nothing changes there but the order of numbers, or nothing at all.
UNSHOWN = {"input", "dropout", "identity", "flatten", "reshape", "pad"}
# Steps of integrated gradients: enough for a picture.
STEPS = 24
# What two classes are compared by; of the class-activation maps the first that was asked for.
COMPARED = ("hires-cam", "grad-cam", "integrated-gradients")


@dataclass(frozen=True)
class Layer:
    """One layer: its strongest maps and the gradient of the loss there, k x h x w or 1 x n (a vector).

    `numbers` says which maps they are; `low`, `high` and `limit` (the largest absolute value) are of all of them.
    """

    node: Node
    maps: np.ndarray
    gradient: np.ndarray
    numbers: tuple[int, ...]
    low: float
    high: float
    gradient_size: float

    @property
    def limit(self) -> float:
        """The end of its colour scale."""
        return max(abs(self.low), abs(self.high))

    @property
    def is_vector(self) -> bool:
        """One number a unit, no maps."""
        return not self.numbers


@dataclass(frozen=True)
class Kernels:
    """The kernels of one layer: n x h x w, or n x 3 x h x w in colour (0..1, zero is middle gray)."""

    layer: str
    pictures: np.ndarray
    shape: tuple[int, ...]

    @property
    def in_colour(self) -> bool:
        """Whether they are colours and not signed numbers."""
        return self.pictures.ndim == 4


@dataclass(frozen=True)
class Findings:
    """All about one image. `heat` is a map H x W a method, `against` those of `label` against `versus`."""

    pixels: Tensor
    predictions: list[Prediction]
    label: Prediction
    versus: Prediction
    layer: str | None
    heat: dict[str, np.ndarray]
    against: dict[str, np.ndarray]
    alone: dict[str, np.ndarray]
    layers: list[Layer]
    kernels: Kernels | None
    chosen: Layer | None
    diagram: str
    rectified: bool


def look(
    classifier: Classifier,
    pixels: Tensor,
    label: int | None,
    versus: int | None,
    methods: Sequence[str] | None,
    layer: str | None,
) -> Findings:
    """Look at uint8 pixels C x H x W. ValueError for a layer or a method that this network cannot have."""
    network = classifier.network
    network.eval()
    images = classifier.preprocess.normalize(pixels[None].to(classifier.device))
    seen = trace(network, images)
    probabilities = classifier.logits(pixels[None]).softmax(1)
    ranked = classifier.best(probabilities, len(classifier.class_names))[0]
    by_index = {prediction.index: prediction for prediction in ranked}
    explained = by_index[ranked[0].index if label is None else label]
    other = by_index[next(p.index for p in ranked if p.index != explained.index) if versus is None else versus]
    has_maps = any(len(node.shape) == 3 and node.kind != "input" for node in seen.nodes)
    if explained.index == other.index:
        raise ValueError(f"'{printable(other.label)}' is the class that is explained: compare it with another")
    # Asked for by name, a class-activation map that cannot be made is an error; otherwise it is left out.
    needed = has_maps or layer is not None or any(method in MAP_METHODS for method in methods or ())
    chosen = map_layer(seen, layer) if needed else None

    def heat(method: str, of: int, than: int | None = None) -> np.ndarray:
        at = chosen if method in MAP_METHODS else None
        found = attribute(network, images, method, of, layer=at, versus=than, steps=STEPS)
        return found[0].float().cpu().numpy()

    possible = [method for method in methods or METHODS if has_maps or method not in MAP_METHODS]
    reasons = {method: heat(method, explained.index) for method in possible}
    compared = [method for method in COMPARED if method in possible]
    if "hires-cam" in compared and "grad-cam" in compared:
        compared.remove("grad-cam")
    alone = {method: heat(method, other.index) for method in compared}
    # Integrated gradients of a difference are the difference of both; a class-activation map is rectified.
    against = {
        method: reasons[method] - heat_of_other
        if method == "integrated-gradients"
        else heat(method, explained.index, other.index)
        for method, heat_of_other in alone.items()
    }
    back = gradients(network, images, explained.index, getattr(network, "loss", F.cross_entropy))
    shown = [node for node in seen.nodes if node.kind not in UNSHOWN and math.prod(node.shape) > 0]
    layers = [_layer(node, seen.output(node.name)[0], back[node.name][0], MAPS) for node in shown]
    node = seen.node(layer) if layer is not None else None
    return Findings(
        pixels,
        ranked,
        explained,
        other,
        chosen,
        reasons,
        against,
        alone,
        layers,
        _first_kernels(network, tuple(pixels.shape)),
        None if node is None else _layer(node, seen.output(node.name)[0], back[node.name][0], 4096),
        structure_svg(seen),
        any(node.type.lower().startswith("relu") for node in seen.nodes),
    )


def _layer(node: Node, output: Tensor, gradient: Tensor, most: int) -> Layer:
    size = float(gradient.float().square().mean().sqrt())
    output, gradient = output.float().cpu(), gradient.float().cpu()
    low, high = float(output.min()), float(output.max())
    if output.ndim != 3 or output.shape[1:].numel() == 1:
        return Layer(node, _numbers(output.reshape(1, -1)), _numbers(gradient.reshape(1, -1)), (), low, high, size)
    # Strongest first; equal ones (a dead layer) in their own order.
    order = output.abs().mean((1, 2)).sort(descending=True, stable=True).indices[:most]
    maps, back = (_numbers(_small(tensor[order])) for tensor in (output, gradient))
    return Layer(node, maps, back, tuple(order.tolist()), low, high, size)


def _small(maps: Tensor) -> Tensor:
    """No longer than SIDE: of larger maps the means of their parts."""
    factor = -(-max(maps.shape[1:]) // SIDE)
    return maps if factor == 1 else F.avg_pool2d(maps[None], factor, ceil_mode=True)[0]


def _numbers(tensor: Tensor) -> np.ndarray:
    return tensor.detach().numpy().astype(np.float32)


def _first_kernels(network: nn.Module, size: tuple[int, ...]) -> Kernels | None:
    """Those that look at the pixels; of a layer that sees all of them at once, a picture a unit."""
    names = layers_with_kernels(network)
    if not names:
        return None
    weight = kernels(network, names[0])
    shape = tuple(weight.shape)
    if shape[1:] == (math.prod(size), 1, 1):
        weight = weight.view(-1, *size)
    if weight.shape[2:].numel() == 1:
        return None
    if weight.shape[1] == 3:
        return Kernels(names[0], _numbers(colour_kernels(weight)), shape)
    return Kernels(names[0], _numbers(weight[:, 0]), shape) if weight.shape[1] == 1 else None
