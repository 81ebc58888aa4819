"""The inspector: everything that can be asked about one image in one network. All of it runs in a worker's thread."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import Tensor, nn

from .. import insight
from ..evaluation.metrics import loss_of
from ..insight import Node, Trace, trace
from ..messages.translate import in_chinese
from .classifiers import ServedClassifier
from .http.binary_response import Payload, add_layer
from .http.errors import invalid, not_found
from .layer_health import layer_health
from .layer_maps import in_maps, with_places
from .sessions import Session, TraceCache
from .verdict import ranking, refusal_of, set_of


def new_session(served: ServedClassifier, epoch: int | None, content: bytes, page: str | None) -> Session:
    """Return a session of an encoded image, without any what-if change."""
    return Session(served, epoch, served.classifier.pixels(content)[None], page)


class Inspector:
    """Answers questions about sessions for one worker, whose networks no other thread uses."""

    def __init__(self, worker: str, traces: TraceCache):
        self.worker, self.traces = worker, traces

    def network(self, session: Session) -> nn.Module:
        """Return the network of a session with its what-if changes."""
        network = session.served.network(session.epoch, self.worker)
        return session.what_if.apply_to_network(network, session.served.nodes)

    def images(self, session: Session) -> Tensor:
        """Return the network's input, 1 x C x H x W."""
        served = session.served
        pixels = session.what_if.apply_to_pixels(session.pixels)
        return served.classifier.preprocess.normalize(pixels.to(served.device))

    def trace(self, session: Session) -> Trace:
        """Return every layer's output for this session."""
        kept = self.traces.get(session)
        if kept is None:
            kept = trace(self.network(session), self.images(session))
            self.traces.add(session, kept)
        return kept

    def forward(self, session: Session, maps: int) -> bytes:
        """Return the probabilities, and the `maps` strongest maps of every layer."""
        started = time.perf_counter()
        traced = self.trace(session)
        payload = Payload()
        pixels = session.what_if.apply_to_pixels(session.pixels)[0]
        layers = [add_layer(payload, node.name, _shown(session, traced, node), slice(maps)) for node in traced.nodes]
        logits = traced.output(traced.nodes[-1].name)[0].float().cpu()
        channels, height, width = pixels.shape
        probabilities = session.served.classifier.task.probabilities(logits)
        header = {
            "session": session.id,
            "classifier": session.served.id,
            "epoch": session.epoch,
            "probabilities": ranking(session.served, probabilities),
            "refusal": refusal_of(session, pixels),
            "set": set_of(session, probabilities),
            "logits": logits.tolist(),
            "seen": {"channels": channels, "height": height, "width": width, "offset": payload.add(pixels.numpy())},
            "layers": layers,
            "layer_ms": {name: round(ms, 4) for name, ms in traced.times_ms.items()},
            "time_ms": milliseconds_since(started),
        }
        return payload.pack(header)

    def activations(self, session: Session, layer: str, maps: slice | list[int]) -> bytes:
        """Return further maps of one layer: a range in the order of strength, or the maps with these numbers."""
        traced = self.trace(session)
        output = _shown(session, traced, _node(traced, layer))
        if isinstance(maps, list):
            count = len(output) if output.ndim == 3 and output.shape[1] * output.shape[2] > 1 else 1
            _check_range("map", "特征图编号", max(maps, default=0), count)
        payload = Payload()
        entry = add_layer(payload, layer, output, maps)
        return payload.pack({"session": session.id, "layer": entry})

    def arithmetic(self, session: Session, layer: str, map: int, y: int | None, x: int | None) -> dict[str, Any]:
        """Return how one value is computed from its inputs; of a map that is switched off, a plain zero."""
        traced = self.trace(session)
        node = _node(traced, layer)
        shown = session.served.layer_maps
        known = shown.get(layer)
        position = _position(node.shape if known is None else known.shape, map, y, x)
        if session.what_if.is_off(layer, map):
            return _switched_off(node, [map, *position])
        place = (map, *position) if known is None else known.position(map, *(i or 0 for i in position))
        image, place = (place[0], place[1:]) if known is not None and known.windows else (0, place)
        try:
            found = insight.arithmetic(traced, layer, place, image=image).to_dict()
            return {**with_places(found, shown, image), "off": False}
        except ValueError as problem:
            raise invalid(
                f"{layer}: {problem}", f"{layer} 的数值无法展开计算（{in_chinese(str(problem))}）"
            ) from problem

    def kernels(self, served: ServedClassifier, session: Session | None, layer: str, map: int) -> bytes:
        """Return the kernels from every input map to one map, and its bias."""
        if layer not in served.nodes:
            raise not_found("layer", "层", layer)
        network = served.network(user=self.worker) if session is None else self.network(session)
        path = served.nodes[layer].module
        try:
            weights = insight.kernels(network, path or layer)
        except ValueError:
            raise invalid(f"{layer} has no kernels", f"{layer} 没有卷积核") from None
        module = network.get_submodule(path or "")
        _check_range("map", "特征图编号", map, len(weights))
        bias, groups = getattr(module, "bias", None), getattr(module, "groups", 1)
        payload = Payload()
        header = {
            "layer": layer,
            "map": map,
            "shape": list(weights.shape[1:]),
            # A grouped convolution has kernels only from the input maps of the map's own group.
            "first_input": map // (len(weights) // groups) * weights.shape[1] if groups > 1 else 0,
            "bias": bias[map].item() if isinstance(bias, Tensor) and bias.ndim == 1 and len(bias) > map else None,
            "offset": payload.add(weights[map].numpy()),
        }
        return payload.pack(header)

    def field(self, session: Session, layer: str, y: int, x: int) -> dict[str, Any]:
        """Return the part of the input that one unit depends on."""
        traced = self.trace(session)
        shape = _node(traced, layer).shape
        if layer in session.served.layer_maps:
            y = x = 0  # the field of any value is that of all
        height, width = (shape[1], shape[2]) if len(shape) == 3 else (1, 1)
        _check_range("row", "行", y, height)
        _check_range("column", "列", x, width)
        box = insight.field_of(traced, layer, y, x)
        size = list(session.served.classifier.preprocess.input_size)
        return {"field": [box.top, box.left, box.bottom, box.right], "input_size": size}

    def seen(self, session: Session, row: int, column: int) -> dict[str, Any]:
        """Return the units of every layer that depend on one pixel of the input."""
        traced = self.trace(session)
        _check_range("row", "行", row, session.pixels.shape[2])
        _check_range("column", "列", column, session.pixels.shape[3])
        boxes = {node.name: insight.seen_by(traced, node.name, row, column) for node in traced.nodes}
        units = {name: [box.top, box.left, box.bottom, box.right] for name, box in boxes.items()}
        # Where any value of a table sees the pixel, all of them do.
        whole = {name: [0, 0, *maps.shape[1:]] for name, maps in session.served.layer_maps.items() if any(units[name])}
        return {"layers": units | whole}

    def gradients(self, session: Session, label: int, maps: int) -> bytes:
        """Return the gradient of the loss at every layer, with `label` as the true class."""
        _check_range("label", "类别编号", label, len(session.served.classifier.class_names))
        network, images = self.network(session), self.images(session)
        task = session.served.classifier.task
        labels = torch.tensor([label], device=images.device)
        loss = task.loss_of_class if task.multi_label else loss_of(network)
        try:
            gradients = insight.gradients(network, images, labels, loss)
        except ValueError as problem:
            raise invalid(f"no gradients: {problem}", f"没有梯度（{in_chinese(str(problem))}）") from problem
        with torch.no_grad():
            value = float(loss(network(images), labels))
        payload = Payload()
        shown = session.served.layer_maps
        layers = [add_layer(payload, name, in_maps(shown, name, g), slice(maps)) for name, g in gradients.items()]
        norms = {name: float(gradient[0].norm()) for name, gradient in gradients.items()}
        return payload.pack({"label": label, "loss": value, "layers": layers, "norms": norms})

    def health(self, session: Session) -> dict[str, Any]:
        """Return the health of every layer for this image."""
        return {"layers": layer_health(self.trace(session))}

    def attribution(
        self, session: Session, method: str, label: int | None, layer: str | None, versus: int | None
    ) -> bytes:
        """Return a heat map of the evidence for class `label` (None: the likeliest), or for it against `versus`."""
        if method not in insight.METHODS:
            known = ", ".join(insight.METHODS)
            raise invalid(f"no method '{method}': choose {known}", f"没有方法“{method}”，可选 {known}")
        if layer is not None and layer not in session.served.nodes:
            raise not_found("layer", "层", layer)
        network, images = self.network(session), self.images(session)
        if label is None:
            with torch.no_grad():
                label = int(network(images).argmax())
        for index in (label, *([] if versus is None else [versus])):
            _check_range("label", "类别编号", index, len(session.served.classifier.class_names))
        try:
            heat = insight.attribute(network, images, method, label, layer=layer, versus=versus)
        except ValueError as problem:
            raise invalid(
                f"{method}: {problem}", f"{method} 不适用于该层或该网络（{in_chinese(str(problem))}）"
            ) from problem
        values = heat[0].detach().float().cpu()
        payload = Payload()
        height, width = values.shape
        header = {
            "method": method,
            "layer": layer,
            "label": label,
            "versus": versus,
            "height": height,
            "width": width,
            "low": float(values.min()),
            "high": float(values.max()),
            "offset": payload.add(values.numpy()),
        }
        return payload.pack(header)


def milliseconds_since(start: float) -> float:
    """Return the time since a reading of `time.perf_counter`."""
    return round((time.perf_counter() - start) * 1000, 3)


def _shown(session: Session, traced: Trace, node: Node) -> Tensor:
    """Return the output of a layer for the image, as the page shows it."""
    return in_maps(session.served.layer_maps, node.name, traced.output(node.name))


def _node(traced: Trace, layer: str) -> Node:
    try:
        return traced.node(layer)
    except (KeyError, ValueError):
        raise not_found("layer", "层", layer) from None


def _check_range(name: str, name_zh: str, number: int, count: int) -> None:
    if not 0 <= number < count:
        raise invalid(
            f"{name} {number} is not within 0 to {count - 1}", f"{name_zh} {number} 超出范围（0 到 {count - 1}）"
        )


def _position(shape: tuple[int, ...], map: int, y: int | None, x: int | None) -> tuple[int, ...] | tuple[None, None]:
    """Check and return the position in a map; (None, None) for a vector, whose values are numbered by `map`."""
    _check_range("map", "特征图编号", map, shape[0])
    if len(shape) != 3:
        return None, None
    if y is None or x is None:
        if shape[1] * shape[2] > 1:
            raise invalid("the position in the map is missing: give y and x", "缺少特征图中的位置：请指定 y 和 x")
        y = x = 0
    _check_range("y", "行", y, shape[1])
    _check_range("x", "列", x, shape[2])
    return y, x


def _switched_off(node: Node, index: list[int | None]) -> dict[str, Any]:
    """Return the arithmetic of a map that is switched off, in the same form as any other."""
    return {
        "layer": node.name,
        "kind": node.kind,
        "type": node.type,
        "index": index,
        "operation": "copy",
        "terms": [],
        "grid": None,
        "bias": None,
        "parameters": {},
        "formula": "0",
        "partial_sums": [],
        "value": 0.0,
        "network_value": 0.0,
        "off": True,
    }
