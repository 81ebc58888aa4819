"""Temperature, calibration error and coverage, against SciPy, scikit-learn and counts by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.optimize import minimize_scalar
from sklearn.calibration import calibration_curve

from convscope.evaluation.calibration import (
    calibration_error,
    calibration_figures,
    coverage_curve,
    fit_temperature,
    reliability,
)


def drawn(n: int = 3000, classes: int = 4, sharpness: float = 3.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Labels that are drawn from softmax(logits), and logits that are `sharpness` times as large."""
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(n, classes, generator=generator)
    labels = torch.multinomial(logits.softmax(1), 1, generator=generator).flatten()
    return sharpness * logits, labels


@pytest.mark.parametrize("sharpness", [0.25, 1.0, 3.0])
def test_the_temperature_undoes_what_made_logits_too_sharp(sharpness):
    logits, labels = drawn(sharpness=sharpness)
    found = fit_temperature(logits, labels)
    best = minimize_scalar(
        lambda t: float(F.cross_entropy(logits.double() / t, labels)), bounds=(0.05, 20), method="bounded"
    )
    assert found == pytest.approx(best.x, rel=0.01) and found == pytest.approx(sharpness, rel=0.1)
    before, after = (calibration_figures(logits, labels, t) for t in (1.0, found))
    assert after["log_loss"] <= before["log_loss"]
    if sharpness != 1.0:
        assert after["ece"] < 0.5 * before["ece"]


def test_a_few_right_answers_do_not_make_the_temperature_zero():
    logits, labels = torch.eye(3).repeat(20, 1), torch.arange(3).repeat(20)
    found = fit_temperature(logits, labels)
    confidence = float((logits / found).softmax(1).max(1).values.min())
    assert 0.95 < confidence < 0.999


def test_the_bins_are_scikit_learns():
    logits, labels = drawn()
    confidence, answers = logits.softmax(1).max(1)
    bins = reliability(confidence, answers == labels)
    accuracy, mean = calibration_curve(
        (answers == labels).numpy(), confidence.double().numpy(), n_bins=15, strategy="quantile"
    )
    assert [row["n"] for row in bins] == [200] * 15
    assert np.allclose([row["accuracy"] for row in bins], accuracy, atol=0.006)  # an image at the edge of two bins
    assert np.allclose([row["confidence"] for row in bins], mean, atol=0.002)


def test_the_calibration_error_by_hand():
    confidence = torch.tensor([0.6] * 10 + [0.9] * 10)
    correct = torch.tensor([True] * 5 + [False] * 5 + [True] * 10)
    bins = reliability(confidence, correct)
    assert [(row["n"], row["accuracy"]) for row in bins] == [(10, 0.5), (10, 1.0)]
    assert calibration_error(bins) == pytest.approx(0.1)  # half of 0.1 and half of 0.1
    assert len(reliability(confidence[:3], correct[:3])) == 1


def test_coverage_by_hand():
    confidence = torch.tensor([0.9, 0.5, 0.8, 0.8])
    rows = coverage_curve(confidence, torch.tensor([True, False, True, False]))
    assert [(round(r["threshold"], 2), r["coverage"], r["accuracy"]) for r in rows] == [
        (0.5, 1.0, 0.5),
        (0.8, 0.75, pytest.approx(2 / 3)),
        (0.9, 0.25, 1.0),
    ]
