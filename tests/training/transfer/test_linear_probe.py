"""Linear probing: the fitted layer is the optimum that scikit-learn finds, and a training never ends below it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from torch import nn

import convscope as cs
from convscope.data.decoded import decode_split
from convscope.data.preprocess import Preprocess
from convscope.evaluation.evaluate_run import evaluate_bundle
from convscope.evaluation.evaluated_images import EvaluationOptions
from convscope.training.hardware.runtime import choose_runtime
from convscope.training.transfer.body_features import Features
from convscope.training.transfer.fit_layer import STRENGTHS, figures_of_layer, fit_layer, fit_to_all, folds_of
from convscope.training.transfer.linear_probe import fit_linear_probe, is_probe

from ..conftest import OPTIONS, digits


def features(images: int, width: int = 12, classes: int = 3, noise: float = 1.0) -> Features:
    generator = torch.Generator().manual_seed(images)
    labels = torch.randint(classes, (images,), generator=generator)
    centres = torch.arange(classes * width).reshape(classes, width).sin()
    scales = torch.linspace(0.1, 10, width)
    return Features((centres[labels] + noise * torch.randn(images, width, generator=generator)) * scales + 5, labels)


@pytest.mark.parametrize("strength", [1.0, 0.01])
def test_the_layer_is_the_minimum_that_scikit_learn_finds(strength):
    data = features(200)
    _, weight, bias = fit_layer(data, None, nn.Linear(12, 3), False, (strength,))
    standard = ((data.values - data.values.mean(0)) / data.values.std(0, unbiased=False)).numpy()
    # scikit-learn's C weighs the sum of the losses; ours is a mean, and the strength is per class.
    found = LogisticRegression(C=3 / (200 * strength), max_iter=10_000, tol=1e-8).fit(standard, data.labels.numpy())
    expected = found.predict_proba(standard)
    np.testing.assert_allclose((data.values @ weight.T + bias).softmax(1).numpy(), expected, atol=2e-3)


def test_the_strength_is_the_one_that_suits_the_validation_images():
    train, val = features(40, width=40, noise=3), features(400, width=40, noise=3)
    strength, weight, bias = fit_layer(train, val, nn.Linear(40, 3), False)
    losses = {
        s: figures_of_layer(val, *fit_layer(train, None, nn.Linear(40, 3), False, STRENGTHS[: k + 1])[1:])
        for k, s in enumerate(STRENGTHS)
    }
    assert figures_of_layer(val, weight, bias)[0] == pytest.approx(min(loss for loss, _ in losses.values()), 1e-3)
    assert min(STRENGTHS) < strength


def test_without_validation_images_a_cross_validation_chooses_as_scikit_learn_does():
    data = features(120, width=40, noise=6)
    folds = folds_of(data.labels)
    strength, weight, bias = fit_to_all(data, folds, nn.Linear(40, 3), False)
    parts = [(np.flatnonzero(folds != k), np.flatnonzero(folds == k)) for k in range(5)]
    # scikit-learn's C weighs the sum of the losses of four fifths of the images; ours is a mean per class.
    chosen = LogisticRegressionCV(
        Cs=[3 / (96 * s) for s in STRENGTHS], cv=parts, scoring="neg_log_loss", max_iter=10_000, l1_ratios=(0.0,),
        use_legacy_attributes=False,
    )  # fmt: skip
    standard = ((data.values - data.values.mean(0)) / data.values.std(0, unbiased=False)).numpy()
    chosen.fit(standard, data.labels.numpy())
    assert strength == pytest.approx(3 / (96 * float(chosen.C_)), rel=1e-6)
    _, again, offset = fit_layer(data, None, nn.Linear(40, 3), False, tuple(s for s in STRENGTHS if s >= strength))
    assert torch.equal(weight, again) and torch.equal(bias, offset)


def test_folds_divide_every_class_and_cut_no_group():
    labels = torch.tensor([0, 1] * 10 + [2] * 5)
    folds = folds_of(labels)
    for label, of_each in ((0, 2), (1, 2), (2, 1)):
        assert folds[labels == label].bincount(minlength=5).tolist() == [of_each] * 5
    groups = [str(number // 3) for number in range(25)]
    grouped = folds_of(labels, groups)
    assert len(set(zip(groups, grouped.tolist(), strict=True))) == len(set(groups))
    assert set(grouped.tolist()) == set(range(5))
    assert folds_of(torch.eye(10, dtype=torch.uint8)).bincount().tolist() == [2] * 5


def test_balanced_classes_move_the_border_to_the_frequent_one():
    data = features(300)
    few = data[(data.labels > 0) | (torch.arange(300) % 10 == 0)]
    plain, balanced = (fit_layer(few, None, nn.Linear(12, 3), flag, (0.1,)) for flag in (False, True))
    recall = [(data.values @ w.T + b).argmax(1)[data.labels == 0].eq(0).float().mean() for _, w, b in (plain, balanced)]
    assert recall[1] > recall[0]


def test_a_layer_without_bias_is_fitted_too():
    data = features(100)
    _, weight, bias = fit_layer(data, None, nn.Linear(12, 3, bias=False), False, (0.01,))
    assert not bias.any() and (data.values @ weight.T).argmax(1).eq(data.labels).float().mean() > 0.7


class Softmax(nn.Module):
    """Ends with something behind its last layer."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(784, 4)

    def forward(self, images):
        return self.last(images.flatten(1)).softmax(1)


def test_a_network_whose_last_layer_is_not_its_output_is_left_alone():
    preprocess = Preprocess((1, 28, 28), (0.5,), (0.5,))
    train = decode_split(digits(6, 7, 8, 9).splits["train"].take(np.arange(20)), preprocess)
    for network in (Softmax(), nn.Sequential(nn.Conv2d(1, 4, 28), nn.Flatten())):
        before = [p.clone() for p in network.parameters()]
        found = fit_linear_probe(network, preprocess, choose_runtime("cpu", "float32", "contiguous"), train)
        assert found is None
        assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


def test_frozen_training_is_the_probe_alone(tmp_path, low):
    run = cs.train(digits(6, 7, 8, 9), from_run=str(low.folder), freeze=True, output=tmp_path, **OPTIONS)
    assert run.metrics["epochs"] == 0 and len(run.history) == 1 and is_probe(run.history[0])
    assert run.history[0]["val/top1"] == run.metrics["val"]["top1"] > 0.9
    report = (run.folder / "report.html").read_text()
    assert "Only the last layer was fitted" in report and "Loss per epoch" not in report
    again = cs.resume(run.folder, data=digits(6, 7, 8, 9), show=False)
    assert again.history == run.history


def test_the_kept_layer_learns_from_the_validation_images_too(tmp_path, low, capsys, caplog):
    settings = {"from_run": str(low.folder), "freeze": True, "output": tmp_path, **OPTIONS, "show": True}
    run = cs.train(digits(6, 7, 8, 9), **settings)
    assert "the last layer learns from the" in capsys.readouterr().err
    best, whole = (load_file(run.folder / "checkpoints" / name / "state.safetensors") for name in ("best", "whole"))
    assert len([key for key in whole if not torch.equal(whole[key], best[key])]) == 2  # weight and bias
    state = run.classifier.network.state_dict()
    assert all(torch.equal(state[key], whole[f"network.{key}"]) for key in state)
    assert run.history[0]["val/top1"] == run.metrics["val"]["top1"]  # of the layer that has not seen them
    evaluate_bundle(str(run.folder), options=EvaluationOptions(split="val", output=str(tmp_path / "evaluate")))
    assert "was trained on" in caplog.text


def test_a_validation_split_of_the_user_is_not_trained_on(tmp_path, low):
    own = replace(digits(6, 7, 8, 9), divided=False, held_out=False)
    run = cs.train(own, from_run=str(low.folder), freeze=True, output=tmp_path, **OPTIONS)
    assert not (run.folder / "checkpoints" / "whole").exists()


def test_epochs_that_make_it_worse_are_not_kept(tmp_path, low):
    settings = {"from_run": str(low.folder), "optimizer": "adamw", "epochs": 1, "output": tmp_path}
    run = cs.train(digits(6, 7, 8, 9), lr=0.1, schedule="constant", body_lr_factor=1.0, **settings, **OPTIONS)
    assert run.metrics["best_epoch"] == 0 and [row["epoch"] for row in run.history] == [0, 1]
    assert (run.folder / "checkpoints" / "whole").exists()
    assert run.history[1]["val/loss"] > run.history[0]["val/loss"] == pytest.approx(run.metrics["val"]["loss"], 1e-4)


def test_norms_of_the_body_keep_their_statistics(tmp_path, low):
    run = cs.train(digits(6, 7, 8, 9), from_run=str(low.folder), epochs=2, lr=0.01, output=tmp_path, **OPTIONS)
    assert (run.folder / "checkpoints" / "whole").exists() == (run.metrics["best_epoch"] == 0)
    state, before = run.classifier.network.state_dict(), low.classifier.network.state_dict()
    assert all(torch.equal(state[key], before[key]) for key in before if "running" in key)


def test_without_validation_images_some_training_images_choose_the_strength(tmp_path, low):
    settings = {"from_run": str(low.folder), "freeze": True, "validation": "none", "output": tmp_path}
    run = cs.train(digits(6, 7, 8, 9), **settings, **OPTIONS)
    row = run.history[0]
    assert is_probe(row) and "val/top1" not in row and row["test/top1"] == run.metrics["test"]["top1"] > 0.9


class Maps(nn.Module):
    """Ends with a convolution, which is no layer that could be fitted to features."""

    def __init__(self, num_classes=10):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 8, 3, stride=2), nn.ReLU(), nn.Conv2d(8, 8, 3, stride=2), nn.ReLU())
        self.last = nn.Conv2d(8, num_classes, 1)

    def forward(self, images):
        return self.last(self.body(images)).mean((2, 3))


def test_a_head_that_cannot_be_fitted_is_trained_alone_first(tmp_path, capsys):
    torch.manual_seed(0)
    start = Maps().state_dict()
    save_file(start, tmp_path / "maps.safetensors")
    settings = {"weights": str(tmp_path / "maps.safetensors"), "epochs": 1, "output": tmp_path, "img_size": 28}
    run = cs.train(digits(6, 7, 8, 9), Maps, **settings, **{**OPTIONS, "show": True})
    assert "its head is trained in the first epoch" in capsys.readouterr().err
    assert run.metrics["recipe"]["freeze_epochs"] == 1 and [row["epoch"] for row in run.history] == [1]
    state = run.classifier.network.state_dict()
    assert all(torch.equal(state[key], start[key]) == key.startswith("body") for key in start if key != "last.bias")
