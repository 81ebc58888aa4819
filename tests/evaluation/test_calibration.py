"""Temperature, calibration error and coverage, against SciPy, scikit-learn and counts by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.optimize import minimize_scalar
from sklearn.calibration import calibration_curve

from convscope.evaluation import smooth_calibration
from convscope.evaluation.calibration import (
    calibration_error,
    calibration_figures,
    coverage_curve,
    fit_temperature,
    reliability,
)
from convscope.evaluation.smooth_calibration import error_by_chance, smooth_curve, smooth_error


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


def drawn_confidences(n: int, seed: int, power: float) -> tuple[np.ndarray, np.ndarray]:
    """Confidences, and answers that are right with that probability to the power of `power`."""
    random = np.random.default_rng(seed)
    confidence = random.random(n) ** 0.4
    return confidence, random.random(n) < confidence**power


def integrated_error(confidence: np.ndarray, correct: np.ndarray) -> float:
    """The smooth error as the paper defines it: the reflected Gaussian summed image by image, integrated by sums."""
    places, low, high = (np.arange(1000) + 0.5) / 1000, 0.0, 1.0
    for _ in range(14):
        width = (low + high) / 2
        mirrored = [sign * confidence + 2 * turn for turn in range(-3, 4) for sign in (1, -1)]
        kernel = sum(np.exp(-0.5 * ((places[:, None] - image) / width) ** 2) for image in mirrored)
        error = np.abs(kernel @ (correct - confidence)).mean() / (width * np.sqrt(2 * np.pi) * len(confidence))
        low, high = (width, high) if error > width else (low, width)
    return low


# The last column is what the authors' package relplot 1.0.3 gives, whose widths are multiples of 1/1024.
@pytest.mark.parametrize(
    ("n", "seed", "power", "theirs"),
    [(200, 0, 1.0, 0.04436752), (500, 1, 2.0, 0.18980807), (300, 2, 0.5, 0.10845157)],
)
def test_the_smooth_error_is_the_papers(n, seed, power, theirs):
    confidence, correct = drawn_confidences(n, seed, power)
    found = smooth_error(confidence, correct)
    assert found == pytest.approx(integrated_error(confidence, correct), abs=1e-4)
    assert found == pytest.approx(theirs, abs=1 / 1024)


def test_the_smooth_error_at_the_ends():
    sure, half = np.ones(50), np.full(50, 0.5)
    assert smooth_error(sure, sure > 0) == pytest.approx(0, abs=1e-6)
    # Half a unit too sure everywhere, however it is smoothed: the whole mass stays between 0 and 1.
    assert smooth_error(sure, np.arange(50) % 2 == 0) == pytest.approx(0.5, abs=1e-6)
    assert smooth_error(half, half > 1) == pytest.approx(0.5, abs=1e-6)


def test_calibrated_answers_stay_below_what_chance_makes_of_them():
    found = [drawn_confidences(400, seed, 1.0) for seed in range(200)]
    limit = error_by_chance(found[0][0])
    above = np.mean([smooth_error(*pair) > limit for pair in found])
    assert 0.01 <= above <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)
    assert smooth_error(*drawn_confidences(400, 0, 2.0)) > 2 * limit


def test_the_band_holds_the_truth_in_95_of_100_splits():
    """Over 200 splits, at each of a few confidences, of which the true accuracy is known."""
    inside = []
    for seed in range(200):
        confidence, correct = drawn_confidences(600, seed, 1.0)
        points = smooth_curve(confidence, correct, smooth_error(confidence, correct))
        inside += [[p["interval"][0] <= p["confidence"] <= p["interval"][1] for p in points[20::20]]]
    assert 0.92 <= np.mean([share for row in inside for share in row]) <= 0.99


def test_points_of_the_curve_by_hand(monkeypatch):
    monkeypatch.setattr(smooth_calibration, "POINTS", 2)
    confidence, correct = np.array([0.4] * 30 + [0.9] * 30), np.array([True] * 15 + [False] * 15 + [True] * 30)
    low, high = smooth_curve(confidence, correct, 0.01)  # so narrow that they do not mix
    assert (low["confidence"], low["accuracy"]) == (0.4, 0.5) and (high["confidence"], high["accuracy"]) == (0.9, 1.0)
    assert low["interval"] == pytest.approx([0.3315, 0.6685], abs=1e-3)  # Wilson's for 15 of 30
    assert low["density"] == pytest.approx(0.5 / (0.01 * np.sqrt(2 * np.pi)), rel=1e-3)
