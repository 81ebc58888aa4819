"""Class weights are scikit-learn's, and weights as well as balanced sampling help rare classes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import balanced_accuracy_score, log_loss
from sklearn.utils.class_weight import compute_class_weight
from torch import nn

import convscope as cs
from convscope.data.split import Data, Split
from convscope.evaluation import Evaluation
from convscope.models.googlenet import GoogLeNetOutputs
from convscope.task import classification_loss
from convscope.training.class_weights import balanced_figures, balanced_weights, weighted_loss

LABELS = torch.tensor([0] * 12 + [1] * 3 + [2] * 5)


def test_weights_are_scikit_learns():
    expected = compute_class_weight("balanced", classes=np.arange(3), y=LABELS.numpy())
    np.testing.assert_allclose(balanced_weights(LABELS).numpy(), expected, rtol=1e-6)


def test_a_class_without_training_images_has_no_weight():
    """A validation folder may have one more class; its weight would be infinite."""
    labels, outputs = torch.tensor([0, 0, 0, 2]), torch.randn(4, 5)
    torch.testing.assert_close(balanced_weights(labels), torch.tensor([4 / 6, 0, 2.0]))
    found = weighted_loss(nn.Linear(1, 1), labels, "balanced")(outputs, labels, label_smoothing=0.1)
    weights = torch.tensor([4 / 6, 0, 2.0, 0, 0])
    torch.testing.assert_close(found, F.cross_entropy(outputs, labels, weights, label_smoothing=0.1))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_the_weighted_cross_entropy(smoothing):
    outputs = torch.randn(20, 3)
    loss = weighted_loss(nn.Linear(1, 1), LABELS, "balanced")
    expected = F.cross_entropy(outputs, LABELS, weight=balanced_weights(LABELS), label_smoothing=smoothing)
    torch.testing.assert_close(loss(outputs, LABELS, label_smoothing=smoothing), expected)
    assert weighted_loss(nn.Linear(1, 1), LABELS, "none") is classification_loss


def test_a_networks_own_loss_is_weighted_too():
    """GoogLeNet's is that of three outputs, the auxiliary ones counting three tenths."""
    outputs = GoogLeNetOutputs(torch.randn(20, 3), torch.randn(20, 3), torch.randn(20, 3))
    with torch.device("meta"):
        network = cs.create_model("googlenet", num_classes=3)
    found = weighted_loss(network, LABELS, "balanced")(outputs, LABELS, label_smoothing=0.0)
    weights = balanced_weights(LABELS)
    main, *auxiliary = (F.cross_entropy(output, LABELS, weight=weights) for output in outputs)
    torch.testing.assert_close(found, main + 0.3 * sum(auxiliary))


def uneven() -> Data:
    """Two classes of gray levels, two deviations apart: 30 to 1 in training and validation, of one size in testing."""
    generator = np.random.default_rng(0)

    def part(bright: int, dark: int) -> Split:
        labels = np.array([0] * dark + [1] * bright, dtype=np.int64)
        levels = generator.normal(110 + 36 * labels, 18)[:, None, None]
        images = np.clip(levels + generator.normal(0, 2, (len(labels), 6, 6)), 0, 255).astype(np.uint8)
        return Split(images, labels, [f"{i}" for i in range(len(labels))])

    splits = {"train": part(40, 1200), "val": part(20, 600), "test": part(1500, 1500)}
    return Data("uneven", ["dark", "bright"], splits)


def accuracy(tmp_path, **options) -> float:
    run = cs.train(
        uneven(), "softmax_regression", epochs=12, lr=0.02, augment="none", output=tmp_path, show=False,
        weight_decay=0.0, precision="float32", **options,
    )  # fmt: skip
    return run.metrics["test"]["top1"]  # the test classes are of one size


def test_both_help_a_rare_class(tmp_path):
    """The best border lies half way, where 84 % of both are right; the training's odds push it to 61 % on average.

    A deviation of an accuracy of 3,000 images is 0.9 points: twelve points are no chance.
    """
    plain = accuracy(tmp_path)
    weighted = accuracy(tmp_path, class_weights="balanced")
    sampled = accuracy(tmp_path, sampler="balanced")
    assert plain < 0.7 and weighted > plain + 0.12 and sampled > plain + 0.12


def test_balanced_figures_are_scikit_learns():
    labels = torch.tensor([0, 0, 0, 0, 1, 2])
    logits = torch.randn(6, 3, generator=torch.Generator().manual_seed(1))
    evaluation = Evaluation(["a", "b", "c"], [""] * 6, labels, logits, 0.0)
    figures = balanced_figures(evaluation)
    assert figures["top1"] == pytest.approx(balanced_accuracy_score(labels, logits.argmax(1)))
    expected = log_loss(labels, logits.double().softmax(1), sample_weight=balanced_weights(labels)[labels])
    assert figures["loss"] == pytest.approx(expected, rel=1e-5)
