"""Precision and layout: measured on this machine, recorded in the run, and never chosen a second time."""

from __future__ import annotations

import json
import shutil
import time

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import convscope as cs
from convscope.training.hardware.precision import fastest_runtime
from convscope.training.hardware.runtime import Runtime, choose_runtime

from ..conftest import digits

CPU = torch.device("cpu")


class Counting(nn.Module):
    """Counts its passes by the type that its convolution works in, and is slow in one of them."""

    def __init__(self, slow: torch.dtype | None = None):
        super().__init__()
        self.convolution = nn.Conv2d(1, 4, 3)
        self.drop = nn.Dropout(0.5)
        self.linear = nn.Linear(4, 3)
        self.slow = slow

    def forward(self, images):
        maps = self.convolution(images)
        if maps.dtype == self.slow:
            for _ in range(200):
                maps = maps + 0 * self.convolution(images)
        return self.linear(self.drop(maps.mean((2, 3))))


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(16, 1, 12, 12, generator=generator), torch.randint(3, (16,), generator=generator)


def test_what_is_slow_here_is_not_chosen():
    open_choice = choose_runtime("cpu")
    assert (open_choice.precision, open_choice.layout) == ("auto", "auto")
    assert fastest_runtime(open_choice, Counting(torch.bfloat16), *batch()).precision == "float32"
    chosen = fastest_runtime(open_choice, Counting(torch.float32), *batch())
    assert (chosen.precision, chosen.layout) == ("bf16", "channels-last")
    assert set(chosen.measured) == {"float32 contiguous", "float32 channels-last", "bf16 channels-last"}
    assert chosen.measured["bf16 channels-last"] < 0.9 * chosen.measured["float32 contiguous"]


class Starting(Counting):
    """Takes 0.7 seconds for its first pass in bf16, as one that has many kernels to compile."""

    def forward(self, images):
        answer = super().forward(images)
        if answer.dtype == torch.bfloat16 and not hasattr(self, "started"):
            time.sleep(0.7)
            self.started = True
        return answer


def test_a_slow_start_is_no_slow_step():
    assert fastest_runtime(choose_runtime("cpu"), Starting(torch.float32), *batch()).precision == "bf16"


def test_what_was_asked_for_is_not_tried():
    network = Counting()
    chosen = fastest_runtime(choose_runtime("cpu", "float32", "channels-last"), network, *batch())
    assert chosen == Runtime(CPU, "float32", "channels-last") and not chosen.measured
    assert fastest_runtime(choose_runtime("cpu", "bf16"), network, *batch()).layout == "channels-last"


def test_the_trial_leaves_no_trace():
    network = Counting()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    random = torch.get_rng_state()
    fastest_runtime(choose_runtime("cpu"), network, *batch())
    assert torch.equal(random, torch.get_rng_state())
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert all(p.grad is None for p in network.parameters())


def test_a_precision_that_an_operation_lacks_is_passed_over():
    class Exact(Counting):
        def forward(self, images):
            answers = super().forward(images)
            if torch.is_autocast_enabled("cpu"):
                raise RuntimeError("not implemented for 'BFloat16'")
            return answers

    chosen = fastest_runtime(choose_runtime("cpu"), Exact(), *batch())
    assert chosen.precision == "float32" and "bf16 channels-last" not in chosen.measured


def test_a_frozen_network_is_tried_without_a_way_back():
    class Frozen(Counting):
        def forward(self, images):
            answers = super().forward(images)
            assert not self.training and not answers.requires_grad
            return answers

    chosen = fastest_runtime(choose_runtime("cpu"), Frozen(), *batch(), learning=False)
    assert len(chosen.measured) == 3
    with pytest.raises(AssertionError):
        fastest_runtime(choose_runtime("cpu"), Frozen(), *batch())


def test_the_choice_is_recorded_and_kept(tmp_path):
    run = cs.train("digits", "lenet_relu", epochs=1, output=tmp_path, show=False)
    kept = cs.Recipe.load(run.folder / "recipe.yaml")
    environment = json.loads((run.folder / "env.json").read_text())
    assert kept.precision == environment["precision"] == run.metrics["precision"] != "auto"
    assert kept.layout == environment["layout"] != "auto"
    assert environment["measured_step_ms"]
    again = cs.resume(run.folder, epochs=2, show=False)
    assert again.metrics["precision"] == kept.precision
    assert json.loads((run.folder / "env.json").read_text())["measured_step_ms"] == {}


@pytest.mark.parametrize("precision", [pytest.param("fp16", marks=pytest.mark.slow), "bf16"])
def test_half_precision_trains_like_float32(tmp_path, precision):
    """fp16 goes through the gradient scaler, as on CUDA, and through a checkpoint."""
    losses = []
    for kind in ("float32", precision):
        options = {"precision": kind, "layout": "channels-last", "augment": "none", "seed": 3}
        run = cs.train("digits", "mnist_fast", epochs=2, output=tmp_path, show=False, **options)
        losses.append(run.history[-1]["train/loss"])
    assert losses[1] == pytest.approx(losses[0], rel=0.1)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("precision", ["fp16", "bf16", "float32"])
def test_channels_last_goes_on_where_it_was(tmp_path, precision, optimizer):
    """The scale of fp16, and the optimizer's memory in the layout of the kernels."""
    few = digits(0, 1)
    few.splits = {name: split.take(np.arange(40)) for name, split in few.splits.items()}  # fp16 is slow on a CPU
    options = {"precision": precision, "layout": "channels-last", "output": tmp_path, "show": False}
    options |= {"schedule": "constant", "optimizer": optimizer, "lr": 0.003}
    whole = cs.train(few, "lenet_relu", epochs=3, **options)
    part = cs.train(few, "lenet_relu", epochs=2, **options)
    longer = cs.resume(part.folder, data=few, epochs=3, show=False)
    for ours, theirs in zip(longer.classifier.network.parameters(), whole.classifier.network.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_place_and_lay_out_agree():
    runtime = Runtime(CPU, "bf16", "channels-last")
    network = runtime.to_device(nn.Conv2d(3, 8, 3))
    assert network.weight.is_contiguous(memory_format=torch.channels_last)
    images = runtime.lay_out(torch.rand(2, 3, 5, 5))
    assert images.is_contiguous(memory_format=torch.channels_last)
    with runtime.autocast():
        assert F.conv2d(images, network.weight).dtype == torch.bfloat16


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on a CPU")
def test_a_compiled_network_trains_like_itself(tmp_path):
    options = {"precision": "float32", "layout": "contiguous", "output": tmp_path, "show": False, "epochs": 2}
    plain = cs.train("digits", "mnist_fast", **options)
    compiled = cs.train("digits", "mnist_fast", compile=True, **options)
    assert compiled.history[-1]["train/loss"] == pytest.approx(plain.history[-1]["train/loss"], rel=0.02)
    assert compiled.metrics["test"]["n"] == 269 and set(compiled.classifier.network.state_dict()) == set(
        plain.classifier.network.state_dict()
    )
