"""Starting from an earlier run: what of its weights is taken over, and what does not fit."""

from __future__ import annotations

import pytest
import torch

import convscope as cs

from ..conftest import OPTIONS, digits


def weights(run: cs.Run) -> dict[str, torch.Tensor]:
    return run.classifier.network.state_dict()


def test_the_head_comes_along_where_the_classes_are_the_same(tmp_path, low):
    run = cs.train(digits(0, 1, 2, 3, 4, 5), from_run=str(low.folder), lr=1e-9, epochs=1, output=tmp_path, **OPTIONS)
    assert abs(run.metrics["test"]["top1"] - low.metrics["test"]["top1"]) < 0.02


def test_what_does_not_fit_is_told_in_a_line(tmp_path, low):
    options = {"from_run": str(low.folder), "epochs": 1, "output": tmp_path, **OPTIONS}
    with pytest.raises(cs.ModelFileError, match="is a mnist_fast, not a lenet5: leave --model out"):
        cs.train(digits(6, 7), "lenet5", **options)
    with pytest.raises(cs.ModelFileError, match="does not fit this network"):
        cs.train(digits(0, 1, 2, 3, 4, 5), img_size=56, **options)
    with pytest.raises(cs.UsageError, match="leave --in-channels out"):
        cs.train(digits(6, 7), in_channels=3, **options)
    with pytest.raises(cs.UsageError, match="exclude each other"):
        cs.train(digits(6, 7), pretrained=True, **options)
    with pytest.raises(cs.ModelFileError, match="no such run"):
        cs.train(digits(6, 7), **options | {"from_run": str(tmp_path / "nowhere")})


def test_the_fixed_kernels_of_an_earlier_run_come_along_and_stay(tmp_path):
    options = {"output": tmp_path, **OPTIONS, "batch_size": 256, "img_size": 16, "epochs": 1}
    first = cs.train(digits(0, 1, 2), "cifar_fast", **options)
    second = cs.train(digits(7, 8), from_run=str(first.folder), optimizer="muon", lr=0.05, **options)
    assert torch.equal(weights(second)["whiten.weight"], weights(first)["whiten.weight"])
