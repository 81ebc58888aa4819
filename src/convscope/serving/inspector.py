"""Everything that can be asked about one image in one network. All of it runs in a lane's thread."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import Tensor, nn

from .. import insight
from ..evaluation.metrics import loss_of
from ..insight import Trace, trace
from .classifiers import Served
from .http.binary_response import Payload, add_layer
from .http.errors import unknown, wrong
from .sessions import Session, Traces
from .what_if import Edits
from .worker import milliseconds_since


def new_session(served: Served, epoch: int | None, content: bytes, page: str | None) -> Session:
    """A session of an encoded image, as it is."""
    pixels = served.classifier.preprocess.read(content)[None]
    return Session(served, epoch, pixels, Edits(), page)


class Microscope:
    """Looks at sessions for one lane: its networks are used by no other thread. `traces` is where traces are kept."""

    def __init__(self, name: str, traces: Traces):
        self.name, self.traces = name, traces

    def network(self, session: Session) -> nn.Module:
        """The network of a session, edited as it asks."""
        network = session.served.network(session.epoch, self.name)
        return session.edits.apply_to_network(network, session.served.nodes)

    def images(self, session: Session) -> Tensor:
        """The network's input, 1 x C x H x W."""
        served = session.served
        pixels = session.edits.apply_to_pixels(session.pixels)
        return served.classifier.preprocess.normalize(pixels.to(served.device))

    def trace(self, session: Session) -> Trace:
        """Every layer's output for this session."""
        found = self.traces.get(session.id)
        if found is None:
            found = trace(self.network(session), self.images(session))
            outputs = (found.output(node.name) for node in found.nodes)
            self.traces.add(session.id, found, sum(output.nbytes for output in outputs))
        return found

    def forward(self, session: Session, maps: int) -> bytes:
        """The probabilities, and the strongest maps of every layer."""
        started = time.perf_counter()
        looked = self.trace(session)
        payload = Payload()
        seen = session.edits.apply_to_pixels(session.pixels)[0]
        layers = [add_layer(payload, n.name, looked.output(n.name)[0], slice(maps)) for n in looked.nodes]
        logits = looked.output(looked.nodes[-1].name)[0].float().cpu()
        channels, height, width = seen.shape
        header = {
            "session": session.id,
            "classifier": session.served.id,
            "epoch": session.epoch,
            "probabilities": ranking(session.served, logits.softmax(0)),
            "logits": logits.tolist(),
            "seen": {"channels": channels, "height": height, "width": width, "offset": payload.add(seen.numpy())},
            "layers": layers,
            "layer_ms": {name: round(ms, 4) for name, ms in looked.times_ms.items()},
            "time_ms": milliseconds_since(started),
        }
        return payload.pack(header)

    def activations(self, session: Session, layer: str, maps: slice | list[int]) -> bytes:
        """More maps of one layer."""
        looked = self.trace(session)
        node = _node(looked, layer)
        if isinstance(maps, list):
            count = node.shape[0] if len(node.shape) == 3 and node.shape[1] * node.shape[2] > 1 else 1
            _within("map", "图", max(maps, default=0), count)
        payload = Payload()
        entry = add_layer(payload, layer, looked.output(layer)[0], maps)
        return payload.pack({"session": session.id, "layer": entry})

    def arithmetic(self, session: Session, layer: str, map: int, y: int | None, x: int | None) -> dict[str, Any]:
        """One value taken apart; of a map that was switched off there is nothing to take apart."""
        looked = self.trace(session)
        node = _node(looked, layer)
        place = _position(node.shape, map, y, x)
        if session.edits.is_off(layer, map):
            return _switched_off(node, [map, *place])
        try:
            return {**insight.arithmetic(looked, layer, map, *place).to_dict(), "off": False}
        except ValueError as problem:
            raise wrong(f"{layer}: {problem}", f"{layer} 的数值无法拆解（{problem}）") from problem

    def kernels(self, served: Served, session: Session | None, layer: str, map: int) -> bytes:
        """The kernels that make one map, from every input map, and its bias."""
        if layer not in served.nodes:
            raise unknown("layer", "层", layer)
        network = served.network(user=self.name) if session is None else self.network(session)
        path = served.nodes[layer].module
        try:
            weights = insight.kernels(network, path or layer)
        except ValueError:
            raise wrong(f"{layer} has no kernels", f"{layer} 没有卷积核") from None
        module = network.get_submodule(path or "")
        _within("map", "图", map, len(weights))
        bias, groups = getattr(module, "bias", None), getattr(module, "groups", 1)
        payload = Payload()
        header = {
            "layer": layer,
            "map": map,
            "shape": list(weights.shape[1:]),
            # Of a grouped convolution only the input maps of the group are there.
            "first_input": map // (len(weights) // groups) * weights.shape[1] if groups > 1 else 0,
            "bias": bias[map].item() if isinstance(bias, Tensor) and bias.ndim == 1 and len(bias) > map else None,
            "offset": payload.add(weights[map].numpy()),
        }
        return payload.pack(header)

    def field(self, session: Session, layer: str, y: int, x: int) -> dict[str, Any]:
        """What one unit sees of the input."""
        looked = self.trace(session)
        shape = _node(looked, layer).shape
        height, width = (shape[1], shape[2]) if len(shape) == 3 else (1, 1)
        _within("row", "行", y, height)
        _within("column", "列", x, width)
        box = insight.field_of(looked, layer, y, x)
        size = list(session.served.classifier.preprocess.input_size)
        return {"field": [box.top, box.left, box.bottom, box.right], "input_size": size}

    def seen(self, session: Session, row: int, column: int) -> dict[str, Any]:
        """The units of every layer that see one pixel of the input."""
        looked = self.trace(session)
        _within("row", "行", row, session.pixels.shape[2])
        _within("column", "列", column, session.pixels.shape[3])
        boxes = {node.name: insight.seen_by(looked, node.name, row, column) for node in looked.nodes}
        return {"layers": {name: [box.top, box.left, box.bottom, box.right] for name, box in boxes.items()}}

    def gradients(self, session: Session, label: int, maps: int) -> bytes:
        """The gradient of the loss at every layer, if `label` were the truth."""
        _within("label", "类别", label, len(session.served.classifier.class_names))
        network, images = self.network(session), self.images(session)
        labels, loss = torch.tensor([label], device=images.device), loss_of(network)
        found = insight.gradients(network, images, labels, loss)
        with torch.no_grad():
            value = float(loss(network(images), labels))
        payload = Payload()
        layers = [add_layer(payload, name, gradient[0], slice(maps)) for name, gradient in found.items()]
        norms = {name: float(gradient[0].norm()) for name, gradient in found.items()}
        return payload.pack({"label": label, "loss": value, "layers": layers, "norms": norms})

    def attribution(
        self, session: Session, method: str, label: int | None, layer: str | None, versus: int | None
    ) -> bytes:
        """Which parts of the image speak for a class, or for it rather than for another."""
        if method not in insight.METHODS:
            raise wrong(
                f"no method '{method}': choose {', '.join(insight.METHODS)}",
                f"没有方法“{method}”，可选 {', '.join(insight.METHODS)}",
            )
        names = session.served.classifier.class_names
        network, images = self.network(session), self.images(session)
        if label is None:
            with torch.no_grad():
                label = int(network(images).argmax())
        for index in (label, *([] if versus is None else [versus])):
            _within("label", "类别", index, len(names))
        if layer is not None and layer not in session.served.nodes:
            raise unknown("layer", "层", layer)
        try:
            heat = (
                insight.attribute(network, images, method, label, layer=layer, versus=versus)[0].detach().float().cpu()
            )
        except ValueError as problem:
            raise wrong(f"{method}: {problem}", f"{method} 无法用于这一层或这个网络（{problem}）") from problem
        payload = Payload()
        height, width = heat.shape
        header = {
            "method": method,
            "layer": layer,
            "label": label,
            "versus": versus,
            "height": height,
            "width": width,
            "low": float(heat.min()),
            "high": float(heat.max()),
            "offset": payload.add(heat.numpy()),
        }
        return payload.pack(header)


def ranking(served: Served, probabilities: Tensor, topk: int | None = None) -> list[dict[str, Any]]:
    """Classes, best first, as plain values."""
    classifier = served.classifier
    best = classifier.best(probabilities[None], topk or len(classifier.class_names))[0]
    return [{"label": p.label, "probability": p.probability, "index": p.index} for p in best]


def _node(looked: Trace, layer: str) -> Any:
    try:
        return looked.node(layer)
    except (KeyError, ValueError):
        raise unknown("layer", "层", layer) from None


def _within(what: str, zh: str, number: int, count: int) -> None:
    if not 0 <= number < count:
        raise wrong(f"{what} {number} is not within 0 to {count - 1}", f"{zh} {number} 超出范围 0 到 {count - 1}")


def _position(shape: tuple[int, ...], map: int, y: int | None, x: int | None) -> tuple[int, ...] | tuple[None, None]:
    """A vector's values are counted by `map`, or by `x` as the page's one row of them."""
    _within("map", "图", map, shape[0])
    if len(shape) != 3:
        return None, None
    if y is None or x is None:
        if shape[1] * shape[2] > 1:
            raise wrong("say which value of the map: y and x", "请指明图中的位置：y 和 x")
        y = x = 0
    _within("y", "行", y, shape[1])
    _within("x", "列", x, shape[2])
    return y, x


def _switched_off(node: Any, index: list[int | None]) -> dict[str, Any]:
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
