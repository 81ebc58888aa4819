"""Training on a CUDA device: every precision and layout, compiled or not, streamed data, and two processes by NCCL."""

from __future__ import annotations

import pytest
import torch

import convscope as cs
from tests.distributed.launched import ended, launch

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
OPTIONS = {"show": False, "epochs": 4, "device": "cuda", "seed": 1}


@pytest.mark.parametrize("layout", ["contiguous", "channels-last"])
@pytest.mark.parametrize("precision", ["float32", "bf16", "fp16"])
def test_each_precision_and_layout_learns(tmp_path, precision, layout):
    run = cs.train("digits", "mnist_cnn", precision=precision, layout=layout, output=tmp_path, **OPTIONS)
    assert run.metrics["test"]["top1"] > 0.9 and run.metrics["precision"] == precision
    assert run.metrics["peak_device_bytes"] > 0


def test_compiled_as_cuda_graphs(tmp_path):
    run = cs.train("digits", "lenet_relu", compile=True, precision="float32", output=tmp_path, **OPTIONS)
    assert run.metrics["test"]["top1"] > 0.8


def test_the_device_and_the_cpu_begin_with_the_same_loss(tmp_path):
    settings = {"precision": "float32", "layout": "contiguous", "augment": "none", "epochs": 1, "optimizer": "sgd"}
    rows = [
        cs.train("digits", "lenet_relu", output=tmp_path, **(OPTIONS | settings | {"device": device})).history[0]
        for device in ("cpu", "cuda")
    ]
    assert rows[0]["train/loss"] == pytest.approx(rows[1]["train/loss"], rel=1e-3)


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
def test_two_processes_train_on_two_devices(tmp_path):
    words = ["-m", "convscope", "train", "digits", "--model", "mnist_cnn", "--epochs", "4", "--output", "runs"]
    results = ended(launch(words, tmp_path))
    assert [code for code, _, _ in results] == [0, 0], results
    assert "accuracy" in results[0][1] and not results[1][1]
