"""A look into the network for the report: layers, values, gradients, heat maps, first kernels and speed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor

from ...classifier import Classifier
from ...data.decoding.pixels import Pixels
from ...errors import ConvScopeError
from ...insight import Distribution, LayerTable, distributions
from ...kernel_picture import first_kernels, kernel_picture
from ...png import png_url
from ...summarising import summary
from ..metrics import Evaluation, loss_of
from ..multi_label import MultiLabelEvaluation
from .heat_maps import JUDGED, RIGHT, WRONG, HeatMaps, explained_label, heat_maps, right_answers
from .pictures import fetched
from .speed import single_image_speed

T = TypeVar("T")
log = logging.getLogger("convscope")

# Multiply-accumulates that may be spent on each part, so that a report takes seconds; the bounds of the
# images, and what a network is taken for that cannot be counted.
BUDGET, MOST_IMAGES, FEWEST_IMAGES, UNKNOWN = 12e9, 64, 4, 1_000_000_000
# Of one method of heat maps, 26 passes judge one image; beyond this, none is judged.
JUDGING, JUDGING_BUDGET = 26 * 3, 60e9
# Operations whose values are those of their input.
HIDDEN = {"input", "dropout", "identity", "flatten", "reshape", "pad"}


@dataclass(frozen=True)
class Look:
    """What was found inside. A part is None or empty where this network does not allow it.

    `distributions` are over `images` images. `kernels` is the picture of the first kernels, their layer and shape.
    """

    table: LayerTable | None = None
    distributions: list[Distribution] = field(default_factory=list)
    images: int = 0
    heat: HeatMaps | None = None
    right: list[int] = field(default_factory=list)
    kernels: dict[str, Any] | None = None
    speed: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        table = self.table.to_dict() if self.table else None
        return {
            "summary": table,
            "inside": {"n": self.images, "layers": [row.to_dict() for row in self.distributions]},
            "heat_maps": self.heat.to_dict() if self.heat else None,
            "speed": self.speed,
        }


def look_inside(classifier: Classifier, pixels: Pixels, evaluation: Evaluation | MultiLabelEvaluation) -> Look:
    """Return what the report shows of a network, seen on the images of an evaluation (uint8 pixels).

    The number of images follows from the network's multiply-accumulates. What a network does not allow is left out:
    no result is lost because something could not be shown.
    """
    table = _tried("layer table", lambda: summary(classifier))
    macs = table.macs if table else None
    count = min(images_for(macs), len(evaluation.labels))
    places = torch.linspace(0, len(evaluation.labels) - 1, count).round().long()
    right = right_answers(evaluation, min(RIGHT, count))
    size = classifier.preprocess.input_size
    return Look(
        table,
        _tried("layers", lambda: _distributions(classifier, fetched(pixels, places), evaluation.labels[places])) or [],
        count,
        _tried("heat maps", lambda: _heat_maps(classifier, pixels, evaluation, right, count, macs)),
        right,
        _tried("first kernels", lambda: _kernels(classifier, size)),
        _tried("speed", lambda: single_image_speed(classifier.network, classifier.preprocess, classifier.device)),
    )


def images_for(macs: int | None) -> int:
    """Return on how many images a network of so many multiply-accumulates is looked at; None: not known."""
    return int(min(max(BUDGET / (macs or UNKNOWN), FEWEST_IMAGES), MOST_IMAGES))


def passes_of_look(macs: int | None) -> int:
    """Return about how many forward passes of one image `look_inside` takes; a backward pass counts as two."""
    count, judged = images_for(macs), judged_for(macs)
    return 4 * count + 3 * (min(WRONG, count) + min(RIGHT, count)) + judged * (JUDGING + JUDGING // 3 + 9)


def judged_for(macs: int | None) -> int:
    """Return by how many right answers the methods of heat maps are compared."""
    return min(int(JUDGING_BUDGET / (JUDGING * (macs or UNKNOWN))), JUDGED)


def _tried(what: str, find: Callable[[], T]) -> T | None:
    """Return what `find` gives; None for a network that does not allow it."""
    try:
        return find()
    except (ConvScopeError, ValueError, RuntimeError, TypeError, NotImplementedError) as problem:
        log.debug("report: no %s: %s", what, problem)
        return None


def _distributions(classifier: Classifier, pixels: Tensor, labels: Tensor) -> list[Distribution]:
    images = classifier.preprocess.normalize(pixels.to(classifier.device))
    network, labels = classifier.network.eval(), labels.to(classifier.device)
    loss = loss_of(network)
    nothing = torch.zeros(len(labels), dtype=torch.long, device=labels.device)
    try:  # the loss knows the labels, of which an image may have several
        rows = distributions(network, images, nothing, lambda logits, _: loss(logits, labels))
    except ValueError:  # no gradient
        rows = distributions(network, images)
    return [row for row in rows if row.kind not in HIDDEN]


def _heat_maps(
    classifier: Classifier,
    pixels: Pixels,
    evaluation: Evaluation | MultiLabelEvaluation,
    right: list[int],
    count: int,
    macs: int | None,
) -> HeatMaps | None:
    judged = 0 if isinstance(evaluation, MultiLabelEvaluation) else judged_for(macs)
    indices = evaluation.worst(min(WRONG, count)) + right
    if not indices:
        return None
    labels = [explained_label(evaluation, i) for i in indices]
    chosen = fetched(pixels, torch.tensor(indices))
    return heat_maps(classifier, chosen, labels, indices, min(judged, len(right)))


def _kernels(classifier: Classifier, size: tuple[int, int, int]) -> dict[str, Any] | None:
    found = first_kernels(classifier.network, size)
    if found is None:
        return None
    picture, limit = kernel_picture(found)
    return {"picture": png_url(picture), "limit": limit, "layer": found.layer, "shape": found.shape}
