"""Planted wrong labels are found, as cleanlab finds them, and a training can leave them out."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import convscope as cs
from convscope.cli import main
from convscope.data.exclude import read_exclusions, without_excluded, write_exclusions
from convscope.data.split import Split
from convscope.evaluation.label_errors import check_labels, doubtful_labels, out_of_fold


def planted(source: str, count: int = 20) -> tuple[cs.Data, set[str]]:
    """A data set in which `count` training images have another label, and the names of these."""
    data, random = cs.load_data(source), np.random.default_rng(1)
    part = data.splits["train"]
    labels = part.labels.copy()
    wrong = random.choice(len(labels), count, replace=False)
    labels[wrong] = (labels[wrong] + random.integers(1, 10, count)) % 10
    splits = {**data.splits, "train": Split(part.images, labels, part.names)}
    return replace(data, splits=splits), {part.names[i] for i in wrong.tolist()}


@pytest.mark.parametrize(("source", "features"), [("digits", None), ("mnist-5k", "mnist-relu")])
def test_planted_labels_are_found(source, features):
    data, names = planted(source)
    found = check_labels(data, cs.load(features) if features else None, features or "")
    hits = sum(doubt.path in names for doubt in found.doubts)
    assert hits / len(names) >= 0.8 and hits / len(found.doubts) >= 0.8
    assert all(doubt.probability > doubt.probability_of_label for doubt in found.doubts)


def test_classifiers_of_many_features_are_not_sure_of_their_mistakes():
    random, labels = np.random.default_rng(0), np.arange(300) % 3
    features = random.normal(0, 1, (300, 300))
    features[:, :3] += 3 * np.eye(3)[labels]
    labels[:30] = (labels[:30] + 1) % 3
    free = make_pipeline(StandardScaler(), LogisticRegression())
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    sure = log_loss(labels, cross_val_predict(free, features, labels, cv=folds, method="predict_proba"))
    assert log_loss(labels, out_of_fold(features, labels)) < 0.95 * sure


def test_the_doubts_are_cleanlabs():
    cleanlab = pytest.importorskip("cleanlab.filter")
    random = np.random.default_rng(0)
    labels = random.integers(0, 4, 400)
    probabilities = random.dirichlet(np.ones(4), 400) + 0.8 * np.eye(4)[labels]
    probabilities /= probabilities.sum(1, keepdims=True)
    theirs = cleanlab.find_label_issues(labels, probabilities, filter_by="confident_learning", n_jobs=1)
    assert {i for i, _ in doubtful_labels(labels, probabilities)} == set(np.flatnonzero(theirs).tolist())


def test_the_doubts_by_hand():
    labels = np.array([0, 0, 0, 1, 1, 1])
    first = np.array([0.9, 0.8, 0.1, 0.2, 0.4, 0.9])  # the third and the sixth look like the other class
    assert sorted(doubtful_labels(labels, np.c_[first, 1 - first])) == [(2, 1), (5, 0)]


def test_folds_cut_no_group():
    """Bursts whose photos all have the same wrong label confirm each other unless they lie in one fold."""
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(40) % 2, 5)  # 40 bursts of five photos
    images = (labels[:, None, None] * 60 + random.integers(60, 90, (40, 16, 16)).repeat(5, 0)).astype(np.uint8)
    images += random.integers(0, 3, images.shape).astype(np.uint8)
    wrong = labels.copy()
    wrong[:10] = 1 - wrong[:10]
    names = [f"{i // 5}/{i}" for i in range(200)]
    data = cs.Data("bursts", ["a", "b"], {"train": Split(images, wrong, names)}, channels=1)
    grouped = replace(data, groups={name: name.partition("/")[0] for name in names})
    found = [{doubt.path for doubt in check_labels(each).doubts} for each in (data, grouped)]
    assert len(found[0] & {*names[:10]}) < 10 == len(found[1] & {*names[:10]})
    with pytest.raises(cs.DataError, match="class 'a' lies in too few groups"):
        check_labels(replace(data, groups={name: str(label) for name, label in zip(names, wrong, strict=True)}))


def test_a_list_of_exclusions_is_left_out(tmp_path):
    data = cs.load_data("digits")
    names = data.splits["train"].names[:3]
    write_exclusions(tmp_path / "x.csv", [(name, "looks like 3, or 8") for name in names])
    assert read_exclusions(tmp_path / "x.csv") == names
    fewer = without_excluded(data, tmp_path / "x.csv")
    assert len(fewer.splits["train"]) == len(data.splits["train"]) - 3 and not set(names) & set(
        fewer.splits["train"].names
    )
    assert fewer.splits["test"].names == data.splits["test"].names
    (tmp_path / "plain.txt").write_text(f"{names[0]}\n\nno such image\n")
    assert len(cs.load_data("digits", exclude=tmp_path / "plain.txt").splits["train"]) == len(fewer.splits["train"]) + 2
    for content, message in (("", "no image is named"), ("a, b.png\n", "none of its 1 names is an image of digits")):
        (tmp_path / "bad.txt").write_text(content)
        with pytest.raises(cs.UsageError, match=message):
            without_excluded(data, tmp_path / "bad.txt")


def test_the_command_writes_the_list_and_training_takes_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    split, random = cs.load_data("digits").split("all"), np.random.default_rng(0)
    chosen = [i for label in (0, 1) for i in np.flatnonzero(split.labels == label)[:60].tolist()]
    moved = set(random.choice(chosen, 4, replace=False).tolist())
    for i in chosen:
        folder = tmp_path / "photos" / str(split.labels[i] if i not in moved else 1 - split.labels[i])
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(split.images[i]).resize((24, 24)).save(folder / f"{i}.png")
    Image.new("L", (24, 24), 90).save(tmp_path / "photos/0/blank.png")  # it can be of any class
    words = ["check", "photos", "--labels", "--kind", "photos", "--write-exclude", "out.csv", "--json"]
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)["labels"]
    suspects = {int(doubt["path"].split("/")[-1].split(".")[0]) for doubt in found["doubts"]}
    assert suspects == moved and found["images"] == 120  # without the blank one
    with (tmp_path / "out.csv").open() as file:
        left_out = {row["path"] for row in csv.DictReader(file)}
    assert left_out == {"0/blank.png", *(doubt["path"] for doubt in found["doubts"])}
    assert main(["check", "photos", "--labels", "--kind", "photos"]) == 0
    assert "4 of 120 are probably wrong" in capsys.readouterr().out
    run = cs.train("photos", "softmax_regression", epochs=1, exclude="out.csv", kind="photos", show=False)
    table = (run.folder / "split.csv").read_text()
    assert table.count("\n") == 1 + 116
    assert main(["check", "photos", "--run", "mnist-relu"]) == 2
    assert "add --labels" in capsys.readouterr().err


def test_early_layers_judge_where_the_last_has_learned_the_labels_by_heart():
    """The first layers see the image; the last gives each training image, wrong or not, the class of its label."""
    random, right = np.random.default_rng(0), np.arange(400) % 4
    images = random.integers(0, 120, (400, 12, 12)).astype(np.uint8)
    for image, quarter in zip(images, right, strict=True):
        image[quarter // 2 * 6 :, quarter % 2 * 6 :][:6, :6] += 90
    labels, names = right.copy(), {str(i) for i in range(12)}
    labels[:12] = (labels[:12] + 1) % 4
    data = cs.Data("quarters", [*"abcd"], {"train": Split(images, labels, [str(i) for i in range(400)])}, channels=1)
    by_heart = {image.tobytes(): int(label) for image, label in zip(images, labels, strict=True)}

    class Memory(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.early, self.last = torch.nn.ReLU(), torch.nn.Linear(4, 4)

        def forward(self, images):
            seen = self.early(images)[:, 0].mul(255).round().to(torch.uint8).numpy()
            labels = torch.tensor([by_heart.get(image.tobytes(), 0) for image in seen])
            return self.last(torch.nn.functional.one_hot(labels, 4).float())

    preprocess = cs.Preprocess((1, 12, 12), (0.0,), (1.0,))
    memory = cs.Classifier(Memory(), data.class_names, preprocess)
    assert not {doubt.path for doubt in check_labels(data, memory, "memory").doubts} & names
    found = check_labels(data, memory, "memory", learned=data.splits["train"].names)
    hits = len({doubt.path for doubt in found.doubts} & names)
    assert hits >= 0.8 * len(names) and hits >= 0.8 * len(found.doubts)
    assert found.features == "early layers of memory (it was trained with these labels)"
