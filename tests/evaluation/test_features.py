"""Features on disk: every image once, by name, the same numbers as the network gives."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import torch

import convscope as cs
from convscope.evaluation.features import write_features


def test_features_are_what_goes_into_the_last_layer(digits_run, tmp_path):
    path = tmp_path / "f.npz"
    features = write_features(str(digits_run.folder), "digits", path, split="test")
    stored = np.load(path, allow_pickle=False)
    classifier, split = digits_run.classifier, cs.load_data("digits").splits["test"]
    assert list(stored["path"]) == split.names and set(stored["split"]) == {"test"}
    assert [int(label) for label in stored["label"]] == split.labels.tolist()
    with torch.no_grad():
        logits = classifier.network.classifier[-1](torch.from_numpy(stored["features"]))
    torch.testing.assert_close(logits, classifier.logits(classifier.preprocess.batch(split.images)))
    assert torch.equal(features.values, torch.from_numpy(stored["features"]))


def test_features_of_several_depths_as_a_table(digits_run, tmp_path):
    path = tmp_path / "f.csv"
    write_features(str(digits_run.folder), "digits", path, layers="features.2, penultimate")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 1797 and len(rows[0]) == 3 + 6 + 84
    assert {row["split"] for row in rows} == {"train", "val", "test"}


@pytest.mark.parametrize(("name", "reason"), [("f.pkl", "npz or .csv"), ("there.csv", "exists")])
def test_nothing_is_written_over_and_no_other_format(name, reason, digits_run, tmp_path):
    (tmp_path / "there.csv").write_text("mine")
    with pytest.raises(cs.ConvScopeError, match=reason):
        write_features(str(digits_run.folder), "digits", tmp_path / name)
    assert (tmp_path / "there.csv").read_text() == "mine"


def test_the_command(digits_run, command):
    done = command("features", digits_run.folder, "digits", "--split", "val", "--layers", "feature")
    assert done.returncode == 2 and "no layer 'feature'" in done.stderr and done.stderr.count("\n") == 1
