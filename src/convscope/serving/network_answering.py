"""A classifier, computed by torch, as the API asks for it; a bundle that has a graph is computed by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..classifier import Classifier
from ..prediction import measured
from ..predictor import Answers, find_predictor
from ..quickest import SERVICE, quickest
from .api.answering import Answering, GraphAnswering, Settings
from .api.hosting import Hosted
from .classifiers import ServedClassifier


class NetworkAnswering(Answering):
    """A classifier that torch computes."""

    runtime = "torch"

    def __init__(self, classifier: Classifier):
        settings = Settings(
            classifier.architecture,
            classifier.class_names,
            classifier.preprocess,
            classifier.task,
            classifier.abstention,
            classifier.metrics,
        )
        super().__init__(settings)
        self.classifier = classifier
        classifier.network.eval()

    def run(self, pixels: Sequence[np.ndarray]) -> Answers:
        """Return the answers to N images, uint8 H x W x C."""
        classifier = self.classifier
        batch = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2)
        familiar = classifier.abstention.familiar
        logits, distances = measured(classifier.network, classifier.preprocess, batch, classifier.device, familiar)
        probabilities = classifier.task.probabilities(logits).numpy()
        return Answers(probabilities, logits.numpy(), None if familiar is None else np.array(distances, np.float64))


def hosted_of(served: ServedClassifier) -> Hosted:
    """Return a classifier of the registry as the API hosts it."""
    latest: list[tuple[Classifier, Answering]] = []

    def find() -> Answering:
        served.switch_to_finished()
        classifier = served.classifier
        if not latest or latest[0][0] is not classifier:
            latest[:] = [(classifier, _answering(served, classifier))]
        return latest[0][1]

    def load() -> Answering:
        served.reload()
        return find()

    return Hosted(served.id, find, load, served.is_loaded)


def _answering(served: ServedClassifier, classifier: Classifier) -> Answering:
    """Return what computes a classifier soonest: its graph, if it has one and no other device is asked for."""
    if served.is_on_disk and served.device.type == "cpu" and not served.is_unfinished():
        predictor = find_predictor(served.source)
        if predictor is not None:
            return GraphAnswering(quickest(predictor, SERVICE))
    return NetworkAnswering(classifier)
