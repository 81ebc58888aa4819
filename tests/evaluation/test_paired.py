"""Two classifiers on the same images: counts by hand, McNemar's p-value, and the images on which they differ."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch

import convscope as cs
from convscope.cli import main
from convscope.evaluation import Evaluation
from convscope.evaluation.paired import compare


def answers(names: str, labels: list[int], given: list[int]) -> Evaluation:
    logits = 3.0 * torch.nn.functional.one_hot(torch.tensor(given), 3)
    return Evaluation(list("abc"), list(names), torch.tensor(labels), logits, 0.0)


def test_the_comparison_by_hand():
    first = answers("pqrstu", [0, 0, 1, 1, 2, 2], [0, 0, 1, 2, 0, 1])
    second = answers("utsrqx", [2, 2, 1, 1, 0, 0], [1, 2, 0, 1, 1, 0])
    found = compare(first, second)
    assert found["n"] == 5 and found["top1"] == [2 / 5, 2 / 5]
    counts = ("both_right", "only_first", "only_second", "both_wrong")
    assert [found[key] for key in counts] == [1, 1, 1, 2]
    assert found["p_value"] == 1.0
    # One of the two is right on q and t; on s both are wrong, in different ways; on u both in the same way.
    assert [(row["path"], row["first"], row["second"]) for row in found["differing"]] == [
        ("q", "a", "b"), ("t", "a", "c"), ("s", "c", "a"),
    ]  # fmt: skip
    with pytest.raises(cs.DataError, match="no image in common"):
        compare(first, answers("xyz", [0, 1, 2], [0, 1, 2]))


def test_the_command_compares_a_run_with_a_bundled_classifier(digits_run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", str(digits_run.folder), "mnist-relu", "digits"]) == 0
    out = capsys.readouterr().out
    assert "269 images" in out and "McNemar's exact test: p = " in out and "is better" in out
    table = Path(out.strip().splitlines()[-1].split("  ")[1])
    rows = list(csv.DictReader(table.open()))
    assert rows and all(row["first"] != row["second"] for row in rows)
    # A second run without data is a comparison too, and what it was trained on is said.
    assert main(["evaluate", "mnist-relu", str(digits_run.folder), "digits", "--split", "train"]) == 0
    assert "was trained on" in capsys.readouterr().err
    assert main(["evaluate", str(digits_run.folder), "mnist-relu", "--tta", "flip"]) == 2
    assert "leave them out to compare two" in capsys.readouterr().err
