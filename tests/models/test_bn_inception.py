"""BN-Inception, against the paper's figure and golden rows."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import convscope as cs
from convscope.models.bn_inception import FIGURE5, HalvingMaxPool

from . import golden
from .checks import check_counts, check_smallest_image, check_stages, check_training_step, on_meta


@pytest.mark.parametrize(
    ("options", "counts", "macs", "convolutions", "norms", "field"),
    [
        ({}, (11_194_984, 10_180_234, 10_173_962), 2_018_851_840, 69, 19_904, 699),
        ({"caffe": True}, (11_295_240, 10_280_490, 10_274_218), 2_032_600_064, 69, 20_032, 699),
    ],
)  # fmt: skip
def test_counts(options, counts, macs, convolutions, norms, field):
    check_counts("bn_inception", options, 224, counts, macs, field, convolutions, norms)
    eps = {m.eps for m in on_meta("bn_inception", **options).modules() if isinstance(m, nn.BatchNorm2d)}
    assert eps == {1e-5}


@pytest.mark.parametrize(
    ("options", "maps"),
    [
        ({}, [(192, 56), (320, 28), (576, 14), (1024, 7)]),
        ({"caffe": True}, [(192, 56), (320, 28), (608, 14), (1024, 7)]),
    ],
)
def test_stages(options, maps):
    network = on_meta("bn_inception", **options)
    check_stages(network, (3, 224, 224), maps)
    assert [stride for _, stride in network.stages.values()] == [4, 8, 16, 32]


def test_modules_are_figure_5():
    rows = cs.summary(on_meta("bn_inception"), (3, 224, 224)).layers
    sides = {"3a": 28, "3b": 28, "3c": 14, "4a": 14, "4b": 14, "4c": 14, "4d": 14, "4e": 7, "5a": 7, "5b": 7}
    outputs = dict(zip(FIGURE5, (256, 320, 576, 576, 576, 576, 576, 1024, 1024, 1024), strict=True))
    inputs = 192
    for number, row in FIGURE5.items():
        own = {r.name.split(".", 1)[1]: r for r in rows if r.name.startswith(f"inception{number}.")}
        maps = {name: r.output_shape for name, r in own.items() if r.type == "Conv2d"}
        side = sides[number]
        before = side if row.project else 2 * side
        expected = {
            "branch3x3.0.conv": (row.reduce3, before, before),
            "branch3x3.1.conv": (row.conv3, side, side),
            "branch3x3dbl.0.conv": (row.reduce33, before, before),
            "branch3x3dbl.1.conv": (row.conv33, before, before),
            "branch3x3dbl.2.conv": (row.conv33, side, side),
        }
        if row.project:
            expected |= {"branch1x1.conv": (row.conv1, side, side), "branch_pool.1.conv": (row.project, side, side)}
        assert maps == expected, number
        last = row.conv1 + row.conv3 + row.conv33 + (row.project or inputs)
        assert last == outputs[number], number
        pools = {r.type for r in own.values() if "Pool" in r.type}
        assert pools == {"AvgPool2d" if row.pool == "avg" else "MaxPool2d"}, number
        inputs = last


@pytest.mark.parametrize("length", range(1, 10))
def test_halving_pool_fits_the_convolution_beside_it(length):
    torch.manual_seed(0)
    maps = -1 - torch.rand(1, 2, length, 8)  # negative, so that padding with zeros would show
    pooled = HalvingMaxPool()(maps)
    assert pooled.shape == F.conv2d(maps, torch.zeros(2, 2, 3, 3), stride=2, padding=1).shape
    assert pooled.max() <= maps.max()
    square = -1 - torch.rand(1, 2, length, length)
    same = F.max_pool2d(square, 3, 2, padding=1) if length % 2 else F.max_pool2d(square, 3, 2, ceil_mode=True)
    torch.testing.assert_close(HalvingMaxPool()(square), same)


def test_golden_row():
    # Figures of pytorchcv's `bninception` with these weights; the public Caffe weights load into that network.
    network = cs.create_model("bn_inception", caffe=True)
    first = (-0.5174696510207387, 0.18721534954855834, 0.3256464159731827, -1.0463537654306452)
    golden.check_row(network, (3, 224, 224), 139, first, 12.928186419080365, 12.310151627807198, 601, 0.0146)


@pytest.mark.parametrize("caffe", [False, True])
def test_a_step_of_training(caffe):
    torch.manual_seed(0)
    network = cs.create_model("bn_inception", num_classes=7, in_channels=1, caffe=caffe)
    # Batch norm takes away what the biases of the Caffe form add.
    check_training_step(network, torch.randn(2, 1, 111, 123), idle=("conv.bias",) if caffe else ())


def test_the_smallest_image(monkeypatch):
    check_smallest_image(on_meta("bn_inception", num_classes=3), "bn_inception", 7, monkeypatch)


def test_there_is_no_dropout():
    assert not any(isinstance(m, nn.Dropout) for m in on_meta("bn_inception").modules())
