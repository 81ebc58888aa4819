"""Training with several labels per image: loss, choices of the recipe, thresholds, resuming, the bundle."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import average_precision_score

import convscope as cs
from convscope.data.split import Data, Split
from convscope.errors import ModelFileError, UsageError
from convscope.evaluation.fit_abstention import halves
from convscope.models import create_model
from convscope.task import Task, classification_loss, count_correct
from convscope.training.class_weights import balanced_weights

OPTIONS = {"show": False, "precision": "float32", "layout": "contiguous", "batch_size": 32, "img_size": 16}
CORNERS = ["top left", "top right", "bottom left"]


def corners(labels: int = 3) -> Data:
    """Gray images of 16 x 16 in which some corners are bright: a label for each of the first corners."""
    generator = np.random.default_rng(0)

    def part(count: int) -> Split:
        marks = (generator.random((count, labels)) < [0.5, 0.3, 0.1][:labels]).astype(np.uint8)
        images = generator.normal(80, 15, (count, 16, 16))
        for i, (y, x) in enumerate([(0, 0), (0, 8), (8, 0)][:labels]):
            images[:, y : y + 8, x : x + 8] += 60 * marks[:, i, None, None]
        return Split(images.clip(0, 255).astype(np.uint8), marks, [f"{count}-{i}" for i in range(count)])

    splits = {"train": part(240), "val": part(80), "test": part(81)}
    return Data("corners", CORNERS[:labels], splits, multi_label=True)


def train(tmp_path, data=None, model="mlp", **options) -> cs.Run:
    return cs.train(data or corners(), model, output=tmp_path, **{"epochs": 6, **OPTIONS, **options})


def test_a_picture_like_no_training_image_is_refused(tmp_path):
    data = corners()
    data.splits["val"], data.splits["train"] = data.splits["train"], data.splits["val"]  # 200 are needed to find out
    run = train(tmp_path, data, epochs=2)
    classifier = cs.load(run.folder)
    black = np.zeros((16, 16), np.uint8)
    (answer,) = classifier.predict_each([black])
    assert answer.refusal is not None and answer.refusal.kind == "foreign"
    answers = list(classifier.predict_each(data.splits["val"].images))
    kept = classifier.abstention.familiar.kept
    refused = np.array([each.refusal is not None for each in answers])
    tested = halves(torch.from_numpy(data.splits["val"].labels))[1].numpy()
    assert classifier.abstention.n == len(tested) == 120  # the other half chose the epoch
    assert kept >= 0.95 and 1 - refused[tested].mean() == pytest.approx(kept, abs=0.01)
    assert 'id="unknown"' in (run.folder / "report.html").read_text("utf-8")
    few = train(tmp_path, epochs=1).classifier.abstention
    assert few.familiar is None and "80 validation images are too few" in few.note


def test_the_loss_is_the_binary_cross_entropy():
    logits, marks = torch.randn(20, 3), torch.randint(0, 2, (20, 3), dtype=torch.uint8)
    p = logits.double().sigmoid()
    by_hand = -(marks * p.log() + (1 - marks.double()) * (1 - p).log()).mean()
    torch.testing.assert_close(classification_loss(logits, marks).double(), by_hand, rtol=1e-5, atol=0)
    smooth = F.binary_cross_entropy_with_logits(logits, marks * 0.8 + 0.1)
    torch.testing.assert_close(classification_loss(logits, marks, label_smoothing=0.2), smooth)


def test_balanced_weights_give_a_label_and_its_absence_the_same_weight():
    marks = torch.tensor([[1, 0], [0, 1], [0, 1], [0, 1]], dtype=torch.uint8)
    weights = balanced_weights(marks)
    assert weights.tolist() == [3.0, pytest.approx(1 / 3)]
    loss = classification_loss(torch.zeros(4, 2), marks, weight=weights)
    # Of the first label: 1 image of weight 3 and 3 without it; of the second: 3 of weight 1/3 and one without.
    assert float(loss) == pytest.approx((6 + 2) * float(torch.tensor(2.0).log()) / 8)


def test_an_image_is_correct_if_all_its_labels_are():
    logits = torch.tensor([[1.0, -1.0], [1.0, 1.0], [-1.0, -1.0]])
    assert int(count_correct(logits, torch.tensor([[1, 0], [1, 0], [0, 0]]))) == 2


def test_a_training_learns_and_the_bundle_knows_its_thresholds(tmp_path):
    run = train(tmp_path, epochs=12)
    assert run.metrics["test"]["map"] > 0.95
    config = json.loads((run.folder / "classifier" / "config.json").read_text())
    assert config["task"] == "multi-label"
    assert len(config["thresholds"]) == 3
    assert list(run.classifier.task.thresholds) == config["thresholds"]
    # The figures of the test split are those of the saved classifier.
    test = corners().splits["test"]
    probabilities = run.classifier.probabilities(list(test.images))
    assert run.metrics["test"]["map"] == pytest.approx(average_precision_score(test.labels, probabilities))
    right = (probabilities.numpy() >= config["thresholds"]) == test.labels
    assert run.metrics["test"]["subset_accuracy"] == pytest.approx(right.all(1).mean())
    assert {"train/subset_accuracy", "val/map", "val/micro_f1", "val/macro_f1"} <= set(run.history[0])


def test_predictions_have_the_selected_labels_first(tmp_path):
    classifier = train(tmp_path, epochs=1).classifier
    classifier.task = Task((0.9, 0.2, 0.4))
    (found,) = classifier.best(torch.tensor([[0.8, 0.3, 0.39]]), 2)
    assert [(p.label, p.selected, p.threshold) for p in found] == [("top right", True, 0.2), ("top left", False, 0.9)]


def test_one_label_against_none(tmp_path):
    run = train(tmp_path, corners(1))
    assert run.metrics["test"]["map"] > 0.95
    loaded = cs.load(run.folder)
    assert loaded.class_names == CORNERS[:1]
    bright = np.full((16, 16), 80, np.uint8)
    bright[:8, :8] = 140
    assert [p.selected for p in loaded.predict([bright, np.full((16, 16), 80, np.uint8)], 1)[0]] == [True]


@pytest.mark.parametrize(
    "options",
    [
        {"class_weights": "balanced"}, {"sampler": "balanced"}, {"mixup": 0.4, "cutmix": 1.0}, {"label_smoothing": 0.1},
        {"ema_decay": 0.9}, {"tta": "flip-shift"}, {"augment": "flip,shift=2"}, {"monitor": "val/macro_f1"},
        {"freeze_epochs": 1}, {"recipe": "fast", "progressive": False},
    ],
    ids=str,
)  # fmt: skip
def test_every_option_of_the_training_works(tmp_path, options):
    run = train(tmp_path, epochs=2, **options)
    assert 0 <= run.metrics["test"]["map"] <= 1
    if "tta" in options:
        assert 0 <= run.metrics["test_tta"]["map"] <= 1


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("mlp", {"head": "svm"}, "head svm gives one class per image, not several labels"),
        ("mlp", {"monitor": "val/top1"}, "monitor val/top1: these data have several labels per image: choose val/loss"),
        ("lenet5", {"img_size": 32}, "lenet5 gives one class per image"),
        ("googlenet", {"class_weights": "balanced", "img_size": 224}, "the loss of googlenet cannot weigh several"),
    ],
)
def test_what_cannot_be_done_is_said_before_the_run_begins(tmp_path, model, options, message):
    with pytest.raises(UsageError, match=message):
        train(tmp_path / "runs", model=model, **options)
    assert not (tmp_path / "runs").exists()


def test_figures_of_several_labels_are_refused_for_one_class_per_image(tmp_path):
    with pytest.raises(UsageError, match="monitor val/map: these data have one class per image: choose val/loss"):
        cs.train("digits", "mlp", output=tmp_path, epochs=1, monitor="val/map", show=False)


def test_a_network_with_auxiliary_heads_has_the_binary_loss_too():
    network = create_model("inception_v3", num_classes=3).train()
    logits, auxiliary, marks = torch.randn(2, 4, 3)[0], torch.randn(4, 3), torch.randint(0, 2, (4, 3))
    parts = [F.binary_cross_entropy_with_logits(head, marks.float()) for head in (logits, auxiliary)]
    torch.testing.assert_close(network.loss((logits, auxiliary), marks), parts[0] + 0.4 * parts[1])


def test_a_resumed_run_ends_as_if_it_had_never_stopped(tmp_path):
    whole = train(tmp_path / "whole", epochs=4)
    part = train(tmp_path / "part", epochs=2, schedule="constant")
    assert part.metrics["epochs"] == 2
    resumed = cs.resume(part.folder, data=corners(), show=False, epochs=4)
    assert resumed.metrics["epochs"] == 4
    assert set(resumed.history[-1]) == set(whole.history[-1])


def test_without_a_validation_split_the_thresholds_are_one_half(tmp_path):
    data = corners()
    run = train(tmp_path, replace(data, splits={"train": data.splits["train"]}), epochs=1)
    assert cs.load(run.folder).task == Task((0.5, 0.5, 0.5))


@pytest.mark.parametrize(
    "change",
    [
        {"task": "detection"}, {"thresholds": [0.5]}, {"thresholds": [0.5, 0.5, 2]}, {"thresholds": None},
        {"thresholds": [0.5, 0.5, True]}, {"task": ["multi-label"]},
    ],
    ids=str,
)  # fmt: skip
def test_a_damaged_configuration_is_refused(tmp_path, change):
    folder = train(tmp_path, epochs=1).folder
    path = folder / "classifier" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ModelFileError, match=r"task must be|thresholds must hold"):
        cs.load(folder)
