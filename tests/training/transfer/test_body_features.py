"""Features of a network's body: kept for the next training, and as many as the time allows."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from torch import nn

from convscope.data.decoded import Decoded, decode_split
from convscope.data.preprocess import Preprocess
from convscope.training.hardware.runtime import choose_runtime
from convscope.training.time_budget import Clock
from convscope.training.transfer import fit_layer
from convscope.training.transfer.body_features import BATCH, COMPARED, FeatureCache, Keeping
from convscope.training.transfer.linear_probe import fit_linear_probe

from ..conftest import digits

PREPROCESS = Preprocess((1, 28, 28), (0.5,), (0.5,))


class Counting(nn.Module):
    """Counts the images that go through it; `doubled` computes another thing with the same weights."""

    def __init__(self, classes: int = 4):
        super().__init__()
        self.body, self.last = nn.Conv2d(1, 6, 5, stride=4), nn.Linear(6, classes)
        self.images, self.doubled = 0, False

    def forward(self, images):
        self.images += len(images)
        maps = self.body(images).relu()
        return self.last((maps * 2 if self.doubled else maps).mean((2, 3)))


@pytest.fixture
def network(monkeypatch):
    monkeypatch.setattr(fit_layer, "STRENGTHS", (1.0,))
    torch.manual_seed(0)
    return Counting()


def images(count: int, start: int = 0) -> Decoded:
    return decode_split(digits(6, 7, 8, 9).splits["train"].take(np.arange(start, start + count)), PREPROCESS)


def fitted(network, train, root, **options):
    """Fit the last layer; return the probe and how many images of `train` went through the network."""
    runtime, shown = choose_runtime("cpu", "float32", "contiguous"), []
    network.images = 0
    torch.manual_seed(0)  # the images by which a last layer is recognised
    keeping = Keeping(root, "counting", shown.append)
    probe = fit_linear_probe(network, PREPROCESS, runtime, train, keeping=keeping, **options)
    assert probe is not None
    return probe, network.images, sum(shown)


def test_a_second_fit_finds_the_features_of_the_first(tmp_path, network):
    first, all_images, shown = fitted(network, images(100), tmp_path)
    weight = network.last.weight.clone()
    again, few, shown_again = fitted(network, images(100), tmp_path)
    assert all_images - few == 100 - COMPARED and shown == shown_again == 100
    assert (again.loss, again.images) == (first.loss, 100) and torch.equal(network.last.weight, weight)
    _, some, _ = fitted(network, images(120), tmp_path)
    assert some - few == 20  # the new ones alone
    _, mirrored, _ = fitted(network, images(120), tmp_path, mirrored=True)
    assert mirrored - few == 120
    assert fitted(network, images(100), None)[1] == all_images


def test_other_weights_or_another_computation_have_other_features(tmp_path, network):
    _, all_images, _ = fitted(network, images(50), tmp_path)
    with torch.no_grad():
        network.body.bias += 0.5
    assert fitted(network, images(50), tmp_path)[1] == all_images
    network.doubled = True  # the same weights
    loss = fitted(network, images(50), tmp_path)[0].loss
    assert loss == pytest.approx(fitted(network, images(50), None)[0].loss, rel=1e-4)


def test_damaged_features_are_computed_again(tmp_path, network):
    first, all_images, _ = fitted(network, images(50), tmp_path)
    (path,) = tmp_path.glob("*.pixels")
    content = bytearray(path.read_bytes())
    content[24 * 20 + 3] ^= 64  # of the 21st image
    path.write_bytes(content)
    again, some, _ = fitted(network, images(50), tmp_path)
    assert all_images - some == 50 - COMPARED - 1 and again.loss == first.loss


def test_a_short_time_has_some_photos_of_each_class(network):
    clock = Clock(100, time.perf_counter() - 100)
    probe, _, shown = fitted(network, images(200), None, clock=clock, mirrored=True)
    assert probe.photos == probe.images == shown == BATCH
    assert (network.last.weight.abs().sum(1) > 0).all()


def test_rows_are_found_by_digest(tmp_path):
    settings = {"features": 3, "of": "x"}
    values = torch.arange(6.0).reshape(2, 3)
    FeatureCache(tmp_path, settings).add_features([b"a" * 16, b"b" * 16], values)
    found = FeatureCache(tmp_path, settings).find_features([b"b" * 16, b"c" * 16])
    assert list(found) == [0] and torch.equal(found[0], values[1])
    assert not FeatureCache(tmp_path, settings | {"of": "y"}).find_features([b"b" * 16])
