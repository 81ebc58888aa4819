"""What a session's answer says: the classes by probability, whether to abstain, and the set that holds the true one."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from .classifiers import ServedClassifier
from .sessions import Session

# The coverage of the sets that the page shows.
SET_COVERAGE = 0.9


def ranking(served: ServedClassifier, probabilities: Tensor) -> list[dict[str, Any]]:
    """Return all classes as JSON, the most probable first."""
    classifier = served.classifier
    return [vars(prediction) for prediction in classifier.best(probabilities[None], len(classifier.class_names))[0]]


def refusal_of(session: Session, pixels: Tensor) -> dict[str, Any] | None:
    """Return as JSON why the answer to uint8 pixels C x H x W should be "unknown"; None if it should not.

    None also for the weights of another epoch and for a changed network, of which nothing was found out.
    """
    if session.epoch is not None or session.what_if.changes_network:
        return None
    classifier = session.served.classifier
    refusal = classifier.refusal(pixels)
    if refusal is None:
        return None
    least = classifier.abstention.threshold
    return {
        "kind": refusal.kind,
        "between": list(refusal.between),
        "probability": refusal.probability,
        "threshold": least,
    }


def set_of(session: Session, probabilities: Tensor) -> dict[str, Any] | None:
    """Return as JSON the set of classes that holds the true one in `coverage` of cases; None as `refusal_of`.

    None also where the bundle holds nothing for sets.
    """
    if session.epoch is not None or session.what_if.changes_network:
        return None
    classifier = session.served.classifier
    sets = classifier.abstention.sets
    if sets is None or classifier.task.multi_label or sets.most < SET_COVERAGE:
        return None
    rows = classifier.best(probabilities[None], 1, SET_COVERAGE)[0]
    return {"coverage": SET_COVERAGE, "labels": [row.label for row in rows]}
