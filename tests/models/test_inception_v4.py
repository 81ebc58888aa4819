"""Inception-v4, against timm."""

from __future__ import annotations

import timm
import torch
from torch import nn

import convscope as cs

from . import parity
from .checks import check_counts, check_smallest_image, check_stages, check_training_step, on_meta


def test_counts():
    counts = (42_679_816, 41_158_186, 41_157_610)
    check_counts("inception_v4", {}, 299, counts, 12_253_974_624, 2071, convolutions=149, norms=63_168)
    assert {m.eps for m in on_meta("inception_v4").modules() if isinstance(m, nn.BatchNorm2d)} == {1e-3}


def test_stages():
    network = on_meta("inception_v4")
    check_stages(network, (3, 299, 299), [(192, 71), (384, 35), (1024, 17), (1536, 8)])
    assert [stride for _, stride in network.stages.values()] == [4, 8, 16, 32]


def test_numbers_of_blocks():
    kinds = [type(m).__name__ for m in on_meta("inception_v4").features]
    assert [kinds.count(f"Inception{kind}") for kind in "ABC"] == [4, 7, 3]


def test_same_function_as_timm():
    torch.manual_seed(0)
    # Ours without weights, since it gets theirs.
    ours, theirs = (
        on_meta("inception_v4", num_classes=20).to_empty(device="cpu"),
        timm.create_model("inception_v4", num_classes=20),
    )
    parity.assert_same(ours, theirs, (3, 107, 79))
    parity.assert_same_statistics(ours, theirs, (3, 107, 79))


def test_a_step_of_training():
    torch.manual_seed(0)
    check_training_step(cs.create_model("inception_v4", num_classes=7, in_channels=1), torch.randn(2, 1, 111, 123))


def test_the_smallest_image(monkeypatch):
    check_smallest_image(on_meta("inception_v4", num_classes=3), "inception_v4", 75, monkeypatch)


def test_dropout_is_the_papers():
    assert on_meta("inception_v4").head_drop.p == 0.2
