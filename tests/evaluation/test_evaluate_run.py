"""A saved classifier is evaluated on the right images, with its classes matched by name."""

from __future__ import annotations

import pytest

import convscope as cs
from convscope.evaluation.evaluate_run import evaluate_bundle
from convscope.evaluation.evaluated_images import EvaluationOptions


def test_a_saved_classifier_is_measured_over_views_when_asked(tmp_path, digits_run):
    found = evaluate_bundle(str(digits_run.folder), options=EvaluationOptions(output=str(tmp_path)), tta="five-crop")
    assert found["top1"] == digits_run.metrics["test"]["top1"]
    assert found["tta"]["views"] == "five-crop" and found["tta"]["n"] == found["n"]
    assert found["tta"]["loss"] != found["loss"] and found["tta"]["top1"] > 0.5
    assert "tta" not in evaluate_bundle(str(digits_run.folder), options=EvaluationOptions(output=str(tmp_path)))
    with pytest.raises(cs.UsageError, match="--tta must be one of none, flip"):
        evaluate_bundle(str(digits_run.folder), options=EvaluationOptions(output=str(tmp_path)), tta="twice")


def test_without_a_split_it_is_the_test_split_or_the_whole_of_a_new_folder(tmp_path, digits_run, squares):
    own = evaluate_bundle(str(digits_run.folder), options=EvaluationOptions(output=str(tmp_path)))
    assert own["split"] == "test" and own["n"] == digits_run.metrics["test"]["n"]
    with pytest.raises(cs.DataError, match="does not know the class 'bright'"):
        evaluate_bundle(str(digits_run.folder), str(squares), options=EvaluationOptions(output=str(tmp_path)))
    with pytest.raises(cs.UsageError, match="--split must be train, val, test or all, not 'dev'"):
        evaluate_bundle(str(digits_run.folder), options=EvaluationOptions(split="dev", output=str(tmp_path)))
    folder = digits_run.classifier.save(tmp_path / "alone")
    with pytest.raises(cs.UsageError, match="does not say what it was trained on"):
        evaluate_bundle(str(folder), options=EvaluationOptions(output=str(tmp_path)))
    assert evaluate_bundle(str(folder), "digits", options=EvaluationOptions(output=str(tmp_path)))["split"] == "test"


def test_a_broken_file_is_skipped_and_named(tmp_path, digits_run, squares):
    for old, new in (("dark", "1"), ("bright", "7")):
        (squares / old).rename(squares / new)
    (squares / "7" / "00.png").write_bytes(b"broken")
    result = evaluate_bundle(str(digits_run.folder), str(squares), options=EvaluationOptions(output=str(tmp_path)))
    assert result["split"] == "all" and result["n"] == 47
    assert [skipped["path"].endswith("00.png") for skipped in result["skipped"]] == [True]
    with pytest.raises(cs.DataError, match="--strict"):
        evaluate_bundle(
            str(digits_run.folder), str(squares), options=EvaluationOptions(output=str(tmp_path), strict=True)
        )
