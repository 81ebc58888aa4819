"""Heat maps of wrong and right answers, by the method that points best in this network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...classifier import Classifier
from ...insight import attribute
from ...insight.attribution.pointing import pointing
from ...map_colours import coloured, over_image, scale_limit
from ..metrics import Evaluation
from ..multi_label import MultiLabelEvaluation
from .pictures import picture_url

# The methods that take one backward pass, the first where none can be measured. Guided backpropagation and deconvnet
# draw what the network saw at all, and hardly what speaks for the class.
METHODS = ("hires-cam", "grad-cam", "saliency")
# The scale of a map of single pixels leaves out outliers, which would make the rest pale.
PIXEL_METHOD, PIXEL_QUANTILE = "saliency", 0.995
JUDGED, RIGHT, WRONG = 3, 8, 24


@dataclass(frozen=True)
class HeatMaps:
    """Pictures by the index of their image, each for the class that was answered, and how the method was chosen.

    `scores` are the means of `pointing` over `judged` right answers, that of a random order among them; empty where
    nothing was measured.
    """

    method: str
    scores: dict[str, float]
    judged: int
    pictures: dict[int, str]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, without the pictures."""
        return {"method": self.method, "pointing": self.scores, "images": self.judged, "drawn": len(self.pictures)}


def heat_maps(classifier: Classifier, pixels: Tensor, labels: list[int], indices: list[int], judged: int) -> HeatMaps:
    """Return the heat maps of uint8 pixels N x C x H x W for one label each; `indices` are their names in the page.

    The last `judged` images are right answers, by which the methods are compared. ValueError if the network allows no
    map, with the reason.
    """
    scores = _scores(classifier, pixels[len(pixels) - judged :], labels[len(labels) - judged :]) if judged else {}
    known = [method for method in METHODS if method in scores]
    order = sorted(known, key=lambda method: -scores[method]) or list(METHODS)
    reason = ""
    for method in order:
        try:
            images = classifier.preprocess.normalize(pixels.to(classifier.device))
            heats = attribute(classifier.network, images, method, labels).cpu().numpy()
        except ValueError as problem:
            reason = str(problem)
            continue  # this network has no such map
        drawn = zip(indices, heats, pixels, strict=True)
        return HeatMaps(method, scores, judged, {i: picture_url(_drawn(method, h, p)) for i, h, p in drawn})
    raise ValueError(reason)


def _scores(classifier: Classifier, pixels: Tensor, labels: list[int]) -> dict[str, float]:
    """Return the mean pointing score of each method that the network allows, and of a random order."""
    network, probabilities = classifier.network.eval(), classifier.task.probabilities
    images = classifier.preprocess.normalize(pixels.to(classifier.device))
    size = (len(images), *images.shape[2:])
    heats = {"random": torch.rand(size, generator=torch.Generator().manual_seed(1))}
    for method in METHODS:
        try:
            heats[method] = attribute(network, images, method, labels)
        except ValueError:
            continue  # this network has no such map
    return {
        name: sum(
            pointing(network, image[None], heat, label, probabilities).score
            for image, heat, label in zip(images, maps, labels, strict=True)
        )
        / len(labels)
        for name, maps in heats.items()
    }


def _drawn(method: str, heat: np.ndarray, pixels: Tensor) -> Any:
    if method == PIXEL_METHOD:
        return coloured(heat, scale_limit(heat, PIXEL_QUANTILE)).convert("RGBA")
    return over_image(heat, scale_limit(heat), pixels)


def right_answers(evaluation: Evaluation | MultiLabelEvaluation, count: int) -> list[int]:
    """Return the indices of right answers of `count` classes at even distances, of each the one of median loss."""
    if isinstance(evaluation, MultiLabelEvaluation):
        right = (evaluation.predictions == evaluation.labels.bool()).all(1) & evaluation.predictions.any(1)
        classes = evaluation.labels.argmax(1)
    else:
        right, classes = evaluation.predictions == evaluation.labels, evaluation.labels
    present = classes[right].unique()
    spread = torch.linspace(0, len(present) - 1, min(count, len(present))).round().long().tolist()
    chosen = []
    for label in [int(present[i]) for i in spread]:
        members = (right & (classes == label)).nonzero().flatten()
        order = evaluation.losses[members].argsort(stable=True)
        chosen.append(int(members[order[len(order) // 2]]))
    return chosen


def explained_label(evaluation: Evaluation | MultiLabelEvaluation, i: int) -> int:
    """Return the class whose heat map is drawn: the answer; of several labels the one that is most wrong, if any is."""
    if isinstance(evaluation, Evaluation):
        return int(evaluation.predictions[i])
    chances, true = evaluation.probabilities[i], evaluation.labels[i].bool()
    wrong = evaluation.predictions[i] != true
    if not wrong.any():
        return int((chances * true).argmax())
    return int(torch.where(wrong, (chances - true.to(chances.dtype)).abs(), -1.0).argmax())
