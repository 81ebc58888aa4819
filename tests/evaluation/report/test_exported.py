"""The exported graph beside a classifier, compared on the images of a report."""

from __future__ import annotations

import shutil

import pytest
import torch

import convscope as cs
from convscope.bundle_config import find_bundle
from convscope.evaluation import Evaluation
from convscope.evaluation.report.exported import export_parity


def test_the_graph_is_compared_with_the_evaluation(tmp_path):
    pytest.importorskip("onnxruntime")
    classifier, bundle = cs.load("mnist-relu"), find_bundle("mnist-relu")
    pixels = torch.from_numpy(cs.load_data("mnist-5k").splits["test"].images[:40, None])
    pixels = torch.nn.functional.pad(pixels, (2, 2, 2, 2))
    logits = classifier.logits(pixels)
    evaluation = Evaluation(classifier.class_names, ["x"] * 40, logits.argmax(1), logits, 0.0)
    found = export_parity(bundle, pixels, evaluation)
    assert (found["n"], found["same_answer"]) == (40, 40) and found["difference"] < 1e-5 and found["median_ms"] > 0
    # Answers that are another network's differ, and the report says so.
    other = Evaluation(classifier.class_names, ["x"] * 40, logits.argmax(1), logits.roll(1, 1), 0.0)
    assert export_parity(bundle, pixels, other)["same_answer"] == 0
    alone = shutil.copytree(bundle, tmp_path / "alone", ignore=shutil.ignore_patterns("*.onnx"))
    assert export_parity(alone, pixels, evaluation) is None
