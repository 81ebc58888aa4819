"""A classifier, computed by torch, as the API asks for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ..classifier import Classifier
from ..errors import DataError
from ..prediction import NOT_FINITE, measured
from .api.hosting import Hosted
from .api.predictor import Output
from .classifiers import ServedClassifier


class ClassifierPredictor:
    """A `Predictor` of a `Classifier`."""

    runtime = "torch"

    def __init__(self, classifier: Classifier):
        self.classifier = classifier
        self.architecture, self.class_names = classifier.architecture, classifier.class_names
        self.input_size = classifier.preprocess.input_size
        classifier.network.eval()

    def decode(self, content: bytes) -> np.ndarray:
        """Return the uint8 pixels C x H x W of an encoded image; DataError if it cannot be used."""
        return self.classifier.pixels(content).numpy()

    def compute(self, pixels: np.ndarray) -> list[Output | Exception]:
        """Return the answers to uint8 pixels N x C x H x W; DataError in place of one that is not finite."""
        classifier = self.classifier
        logits, distances = measured(
            classifier.network, classifier.preprocess, torch.from_numpy(pixels), classifier.device,
            classifier.abstention.familiar,
        )  # fmt: skip
        probabilities = classifier.task.probabilities(logits).numpy()
        outputs: list[Output | Exception] = []
        for i, (row, distance) in enumerate(zip(logits, distances, strict=True)):
            if not row.isfinite().all():
                outputs.append(DataError(NOT_FINITE))
                continue
            refusal = classifier.abstention.refusal(row, distance, self.class_names)
            outputs.append(Output(probabilities[i], row.numpy(), refusal.reason if refusal else None))
        return outputs

    def ranked(self, output: Output, topk: int) -> list[dict[str, Any]]:
        """Return the likeliest classes as JSON, best first; of several labels, at least all that the image gets."""
        return [vars(row) for row in self.classifier.best(torch.from_numpy(output.probabilities)[None], topk)[0]]

    def describe(self) -> dict[str, Any]:
        """Return task, preprocessing, figures and abstention as JSON."""
        classifier = self.classifier
        return {
            **classifier.task.to_config(),
            "preprocessing": classifier.preprocess.to_dict(),
            "metrics": classifier.metrics,
            **classifier.abstention.to_config(),
        }


def hosted_of(served: ServedClassifier) -> Hosted:
    """Return a classifier of the registry as the API hosts it."""
    latest: list[ClassifierPredictor] = []

    def find() -> ClassifierPredictor:
        served.switch_to_finished()
        classifier = served.classifier
        if not latest or latest[0].classifier is not classifier:
            latest[:] = [ClassifierPredictor(classifier)]
        return latest[0]

    def load() -> ClassifierPredictor:
        served.reload()
        return find()

    return Hosted(served.id, find, load, served.is_loaded)
