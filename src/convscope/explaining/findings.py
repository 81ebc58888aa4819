"""Compute what the page and the files show of one image: prediction, heat maps, layers, gradients, kernels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..abstention import Refusal
from ..classifier import Classifier, Prediction
from ..errors import printable
from ..insight import (
    MAP_METHODS,
    METHODS,
    Node,
    Trace,
    attribute,
    gradients,
    map_layer,
    structure_svg,
    trace,
)
from ..kernel_picture import Kernels, first_kernels
from ..models.tools.classical_head import WithClassicalHead
from ..models.tools.own_loss import own_loss

# Maps shown of each layer, all maps of a selected layer, and the longest side at which they are kept.
MAX_MAPS, ALL_MAPS, MAX_SIDE = 8, 4096, 112
# Operations whose output is not shown: it has the values of their input.
HIDDEN_KINDS = {"input", "dropout", "identity", "flatten", "reshape", "pad"}
# Steps of integrated gradients: enough for a picture.
INTEGRATION_STEPS = 24
# Methods that compare two classes; of the two class-activation maps, the first that was asked for.
COMPARED = ("hires-cam", "grad-cam", "integrated-gradients")


@dataclass(frozen=True)
class Layer:
    """One layer: its strongest maps and the gradient of the loss there, k x h x w or 1 x n (a vector).

    `numbers` are those of the maps; `low`, `high` and `gradient_size` (root mean square) are over the whole layer.
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
        """The end of the layer's colour scale."""
        return max(abs(self.low), abs(self.high))

    @property
    def is_vector(self) -> bool:
        """Whether the output is a vector and not maps."""
        return not self.numbers


@dataclass(frozen=True)
class HeatMaps:
    """Heat maps H x W by method: of the explained class, of the other one, and of the difference of their scores."""

    explained: dict[str, np.ndarray]
    versus: dict[str, np.ndarray]
    difference: dict[str, np.ndarray]


@dataclass(frozen=True)
class Findings:
    """Everything about one image. `pixels` is the uint8 input C x H x W, `layer` that of the class-activation maps.

    `versus` is the class that it is compared with, if there is one. `selected` is the layer of which all maps are
    shown, None if none was asked for. `refusal` says why the answer should be "unknown", if it should.
    """

    pixels: Tensor
    predictions: list[Prediction]
    label: Prediction
    versus: Prediction | None
    layer: str | None
    heat: HeatMaps
    layers: list[Layer]
    kernels: Kernels | None
    selected: Layer | None
    diagram: str
    has_relu: bool
    refusal: Refusal | None


def find(
    classifier: Classifier,
    pixels: Tensor,
    label: int | None = None,
    versus: int | None = None,
    methods: Sequence[str] | None = None,
    layer: str | None = None,
) -> Findings:
    """Return the findings for uint8 pixels C x H x W; `explaining.explain` documents the other arguments.

    ValueError for a layer or a method that is impossible with this network.
    """
    network = classifier.network.eval()
    images = classifier.preprocess.normalize(pixels[None].to(classifier.device))
    traced = trace(network, images)
    task = classifier.task
    probabilities = task.probabilities(classifier.logits(pixels[None]))
    ranked = classifier.best(probabilities, len(classifier.class_names))[0]
    explained, other = _two_classes(ranked, label, versus, is_compared=not task.multi_label)
    by_steps = isinstance(network, WithClassicalHead) and network.decides_by_steps
    if by_steps and methods is None:
        methods = ["occlusion"]  # the one that needs no gradient
    methods, map_source = _possible_methods(traced, methods, layer)
    if by_steps:
        back = {node.name: torch.zeros(1, *node.shape) for node in traced.nodes}
    else:
        loss = task.loss_of_class if task.multi_label else own_loss(network) or F.cross_entropy
        back = gradients(network, images, explained.index, loss)

    def layer_of(node: Node, most: int) -> Layer:
        return _layer(node, traced.output(node.name)[0], back[node.name][0], most)

    shown = [node for node in traced.nodes if node.kind not in HIDDEN_KINDS and math.prod(node.shape) > 0]
    return Findings(
        pixels,
        ranked,
        explained,
        other,
        map_source,
        _heat_maps(network, images, methods, map_source, explained.index, None if other is None else other.index),
        [layer_of(node, MAX_MAPS) for node in shown],
        first_kernels(network, tuple(pixels.shape)),
        layer_of(traced.node(layer), ALL_MAPS) if layer is not None else None,
        structure_svg(traced),
        any(node.type.lower().startswith("relu") for node in traced.nodes),
        classifier.refusal(pixels),
    )


def _two_classes(
    ranked: list[Prediction], label: int | None, versus: int | None, is_compared: bool
) -> tuple[Prediction, Prediction | None]:
    """Return the class to explain and the one to compare it with, by default the two most probable ones.

    Unless `is_compared`, only a class that was asked for is compared: labels do not exclude each other.
    """
    by_index = {prediction.index: prediction for prediction in ranked}
    explained = by_index[ranked[0].index if label is None else label]
    if versus is None and not is_compared:
        return explained, None
    other = by_index[next(p.index for p in ranked if p.index != explained.index) if versus is None else versus]
    if explained.index == other.index:
        raise ValueError(f"'{printable(other.label)}' is the class that is explained: compare it with another")
    return explained, other


def _possible_methods(traced: Trace, methods: Sequence[str] | None, layer: str | None) -> tuple[list[str], str | None]:
    """Return the methods, and the layer of the class-activation maps (None if the network has no maps).

    ValueError if a class-activation map was asked for by name and is impossible; otherwise it is left out.
    """
    is_asked_for = layer is not None or any(method in MAP_METHODS for method in methods or ())
    try:
        map_source = map_layer(traced, layer)
    except ValueError:
        if is_asked_for:
            raise
        map_source = None
    return [method for method in methods or METHODS if map_source or method not in MAP_METHODS], map_source


def _heat_maps(
    network: nn.Module, images: Tensor, methods: list[str], map_source: str | None, label: int, versus: int | None
) -> HeatMaps:
    def heat(method: str, label: int, versus: int | None = None) -> np.ndarray:
        layer = map_source if method in MAP_METHODS else None
        maps = attribute(network, images, method, label, layer=layer, versus=versus, steps=INTEGRATION_STEPS)
        return maps[0].float().cpu().numpy()

    explained = {method: heat(method, label) for method in methods}
    if versus is None:
        return HeatMaps(explained, {}, {})
    compared = [method for method in COMPARED if method in methods]
    if "hires-cam" in compared and "grad-cam" in compared:
        compared.remove("grad-cam")
    other = {method: heat(method, versus) for method in compared}
    difference = {}
    for method in compared:
        # Integrated gradients are linear in the score; class-activation maps are not, since they end in a ReLU.
        linear = method == "integrated-gradients"
        difference[method] = explained[method] - other[method] if linear else heat(method, label, versus)
    return HeatMaps(explained, other, difference)


def _layer(node: Node, output: Tensor, gradient: Tensor, most: int) -> Layer:
    if output.is_complex():  # of a Fourier transform: its sizes
        output, gradient = output.abs(), gradient.abs()
    size = float(gradient.float().square().mean().sqrt())
    output, gradient = output.float().cpu(), gradient.float().cpu()
    low, high = float(output.min()), float(output.max())
    if output.ndim != 3 or output.shape[1:].numel() == 1:
        return Layer(node, _as_array(output.reshape(1, -1)), _as_array(gradient.reshape(1, -1)), (), low, high, size)
    # Strongest first; equal ones (as in a dead layer) in their own order.
    order = output.abs().mean((1, 2)).sort(descending=True, stable=True).indices[:most]
    maps, back = (_as_array(_reduced(tensor[order])) for tensor in (output, gradient))
    return Layer(node, maps, back, tuple(order.tolist()), low, high, size)


def _reduced(maps: Tensor) -> Tensor:
    """Return maps averaged over squares so that no side is longer than MAX_SIDE."""
    factor = -(-max(maps.shape[1:]) // MAX_SIDE)
    return maps if factor == 1 else F.avg_pool2d(maps[None], factor, ceil_mode=True)[0]


def _as_array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().numpy().astype(np.float32)
