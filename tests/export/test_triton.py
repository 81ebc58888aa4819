"""The model repository is one that Triton's own description of a configuration accepts, and fits the model in it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import onnxruntime
import pytest
import tritonclient
from google.protobuf import text_format

from convscope.cli import main
from convscope.export.onnx import export


def model_config(text: str):
    """Return a configuration, read by the message that Triton's client brings; that alone needs no gRPC."""
    path = Path(next(iter(tritonclient.__path__))) / "grpc" / "model_config_pb2.py"
    found = importlib.util.spec_from_file_location("model_config_pb2", path)
    assert found and found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return text_format.Parse(text, module.ModelConfig())


def test_the_repository_fits_its_model(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(export, "EXPORTERS", {"torch.jit.trace": False})
    assert main(["export", "mnist-lenet5", "--format", "triton"]) == 0
    folder = tmp_path / "model_repository" / "mnist-lenet5"
    assert "same answer for" in capsys.readouterr().out
    assert (folder / "labels.txt").read_text().split() == list("0123456789")
    config = model_config((folder / "config.pbtxt").read_text())
    assert (config.name, config.backend, config.max_batch_size) == ("mnist-lenet5", "onnxruntime", 32)
    assert config.HasField("dynamic_batching")
    session = onnxruntime.InferenceSession(folder / "1" / "model.onnx", providers=["CPUExecutionProvider"])
    kinds = {"tensor(uint8)": 2, "tensor(float)": 11, "tensor(double)": 12, "tensor(bool)": 1}
    for described, given in ((config.input, session.get_inputs()), (config.output, session.get_outputs())):
        assert [one.name for one in described] == [one.name for one in given]
        for one, value in zip(described, given, strict=True):
            assert one.data_type == kinds[value.type]
            assert list(one.reshape.shape if one.HasField("reshape") else one.dims) == value.shape[1:]
    assert config.output[0].label_filename == "labels.txt"


@pytest.mark.parametrize("words", [["--precision", "int8"], ["--output", "a-file"]])
def test_what_cannot_be_a_repository_is_one_line(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a-file").touch()
    assert main(["export", "mnist-lenet5", "--format", "triton", *words]) in (2, 7)
    assert capsys.readouterr().err.count("\n") == 1
