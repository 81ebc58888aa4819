"""A program of torch.export answers as the classifier, without ConvScope and without the network's code."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

import convscope as cs
from convscope.cli import main
from convscope.errors import ConvScopeError
from convscope.export.images import Images
from convscope.export.torch_program import export_program

from .networks import DependsOnTheBatch

ALONE = """
import sys
sys.modules["convscope"] = None
import json, numpy, torch
described = {"convscope.json": ""}
module = torch.export.load(sys.argv[1], extra_files=described).module()
answers = module(torch.from_numpy(numpy.load(sys.argv[2])))
about = json.loads(described["convscope.json"])
print(json.dumps({"about": about, **{name: tensor.tolist() for name, tensor in answers.items()}}))
"""


def test_the_program_answers_as_the_classifier_without_it(tmp_path, capsys):
    program = tmp_path / "lenet.pt2"
    assert main(["export", "mnist-lenet5", "--format", "torch", "--output", str(program)]) == 0
    assert "in PyTorch" in (said := capsys.readouterr().out) and "same answer for 28 of 28" in said
    classifier, digits = cs.load("mnist-lenet5"), cs.load_data("mnist-5k").splits["test"].images[:3]
    pixels = torch.stack([classifier.pixels(np.asarray(digit)) for digit in digits])
    np.save(tmp_path / "pixels.npy", pixels.numpy())
    words = [sys.executable, "-c", ALONE, str(program), str(tmp_path / "pixels.npy")]
    answers = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    assert np.allclose(answers["logits"], classifier.logits(pixels).numpy(), atol=1e-4)
    assert np.allclose(np.sum(answers["probabilities"], 1), 1, atol=1e-5)
    assert len(answers["unknown"]) == 3 and "distance" in answers
    assert answers["about"]["labels"] == json.dumps(classifier.class_names)
    assert b"answering.py" not in program.read_bytes()  # no path of this machine


@pytest.mark.parametrize("option", [("--input", "image"), ("--precision", "int8")])
def test_options_of_other_formats_are_refused(option, capsys):
    assert main(["export", "mnist-lenet5", "--format", "torch", *option]) == 2
    assert "is for --format onnx" in capsys.readouterr().err


class DependsOnValues(DependsOnTheBatch):
    """Chooses its way by the pixels."""

    def forward(self, images):
        return super().forward(images) if images.sum() > 0 else self.linear(images.flatten(1))


@pytest.mark.parametrize("kind", [DependsOnTheBatch, DependsOnValues])
def test_a_program_that_would_answer_otherwise_is_not_written(kind, tmp_path):
    classifier = cs.Classifier(kind().eval(), ["a", "b"], cs.Preprocess((3, 4, 4), (0.4,) * 3, (0.25,) * 3))
    pictures = [np.random.default_rng(i).integers(0, 256, (4, 4, 3), np.uint8) for i in range(7)]
    with pytest.raises(ConvScopeError, match="no file was written: ") as problem:
        export_program(classifier, tmp_path / "a.pt2", Images(pictures, "random images"))
    assert "\n" not in str(problem.value) and list(tmp_path.iterdir()) == []
