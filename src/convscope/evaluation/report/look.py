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
from ...errors import ConvScopeError, printable
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

# Seconds for the values and gradients, for the heat maps, and for the choice of their method, by the time of a single
# image; the bounds of the images; and the passes for one of them in each part, where a backward pass counts as two.
SECONDS, MOST_IMAGES, FEWEST_IMAGES = 1.5, 64, 2
PASSES, MAP_PASSES, JUDGING_PASSES = 4, 3, 26 * 4 + 9
# A single image of a network whose time could not be measured.
UNKNOWN = 0.05
# Characters of a reason.
LONGEST = 200
# Operations whose values are those of their input.
HIDDEN = {"input", "dropout", "identity", "flatten", "reshape", "pad"}


@dataclass(frozen=True)
class Look:
    """What was found inside. A part is None or empty where this network does not allow it.

    `distributions` are over `images` images. `kernels` is the picture of the first kernels, their layer and shape.
    `missing` names the parts that could not be made, each with the reason.
    """

    table: LayerTable | None = None
    distributions: list[Distribution] = field(default_factory=list)
    images: int = 0
    heat: HeatMaps | None = None
    right: list[int] = field(default_factory=list)
    kernels: dict[str, Any] | None = None
    speed: dict[str, Any] | None = None
    missing: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        table = self.table.to_dict() if self.table else None
        return {
            "summary": table,
            "inside": {"n": self.images, "layers": [row.to_dict() for row in self.distributions]},
            "heat_maps": self.heat.to_dict() if self.heat else None,
            "speed": self.speed,
            "missing": self.missing,
        }


def look_inside(classifier: Classifier, pixels: Pixels, evaluation: Evaluation | MultiLabelEvaluation) -> Look:
    """Return what the report shows of a network, seen on the images of an evaluation (uint8 pixels).

    The number of images follows from the time of one. What a network does not allow is left out and warned about: no
    result is lost because something could not be shown.
    """
    missing: dict[str, str] = {}

    def tried(what: str, find: Callable[[], T]) -> T | None:
        try:
            return find()
        except (ConvScopeError, ValueError, RuntimeError, TypeError, NotImplementedError) as problem:
            missing[what] = _short(problem)
            log.warning("the report has no %s for this network: %s", what, missing[what])
            return None

    network, preprocess, labels = classifier.network, classifier.preprocess, evaluation.labels
    speed = tried("time for one image", lambda: single_image_speed(network, preprocess, classifier.device))
    single = speed["median_ms"] / 1000 if speed else UNKNOWN
    count = min(_within(single * PASSES), len(labels))
    places = torch.linspace(0, len(labels) - 1, count).round().long()
    drawn = _within(single * MAP_PASSES)
    right = right_answers(evaluation, min(RIGHT, max(drawn // 4, 1)))
    return Look(
        tried("layer table", lambda: summary(classifier)),
        tried("values and gradients", lambda: _distributions(classifier, fetched(pixels, places), labels[places]))
        or [],
        count,
        tried("heat maps", lambda: _heat_maps(classifier, pixels, evaluation, right, drawn - len(right), single)),
        right,
        tried("first kernels", lambda: _kernels(classifier, preprocess.input_size)),
        speed,
        missing,
    )


def look_seconds(single: float) -> float:
    """Return about how long `look_inside` takes with a network that takes `single` seconds for one image."""
    parts = (
        (PASSES, FEWEST_IMAGES, MOST_IMAGES),
        (MAP_PASSES, FEWEST_IMAGES, MOST_IMAGES),
        (JUDGING_PASSES, 0, JUDGED),
    )
    return sum(max(fewest * passes * single, min(most * passes * single, SECONDS)) for passes, fewest, most in parts)


def _within(seconds: float) -> int:
    """Return how many images take so long that together they take `SECONDS`, within the bounds."""
    return int(min(max(SECONDS / seconds, FEWEST_IMAGES), MOST_IMAGES))


def _short(problem: Exception) -> str:
    """Return the first line of an error, of PyTorch's often the only one that helps, fit for one line."""
    text = str(problem).strip().splitlines()
    return printable(text[0] if text else type(problem).__name__)[:LONGEST]


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
    wrong: int,
    single: float,
) -> HeatMaps | None:
    judged = 0 if isinstance(evaluation, MultiLabelEvaluation) else int(SECONDS / (single * JUDGING_PASSES))
    indices = evaluation.worst(min(WRONG, wrong)) + right
    if not indices:
        return None
    labels = [explained_label(evaluation, i) for i in indices]
    chosen = fetched(pixels, torch.tensor(indices))
    return heat_maps(classifier, chosen, labels, indices, min(judged, JUDGED, len(right)))


def _kernels(classifier: Classifier, size: tuple[int, int, int]) -> dict[str, Any] | None:
    found = first_kernels(classifier.network, size)
    if found is None:
        return None
    picture, limit = kernel_picture(found)
    return {"picture": png_url(picture), "limit": limit, "layer": found.layer, "shape": found.shape}
