"""ZFNet, against its specification."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import convscope as cs

from . import golden
from .checks import check_stages, check_training_step, on_meta

WIDE = {"maps": (512, 1024, 512)}


@pytest.mark.parametrize(
    ("options", "parameters", "macs"),
    [
        ({}, 62_357_608, 1_168_032_896),
        ({"num_classes": 10}, 58_301_578, 1_163_977_856),
        ({"num_classes": 10, "in_channels": 1}, 58_292_170, 1_050_141_056),
        (WIDE, 107_627_624, 2_476_704_896),
        (WIDE | {"num_classes": 10}, 103_571_594, 2_472_649_856),
        (WIDE | {"num_classes": 10, "in_channels": 1}, 103_562_186, 2_358_813_056),
    ],
)
def test_counts(options, parameters, macs):
    table = cs.summary(on_meta("zfnet", **options), (options.get("in_channels", 3), 224, 224))
    assert (table.parameters, table.macs, table.receptive_field) == (parameters, macs, 171)


def test_golden_row():
    network = on_meta("zfnet").to_empty(device="cpu")
    order = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    first = (24.60085559, -4.795305764, 33.50179117, -7.657741303)
    golden.check_row(network, (3, 224, 224), 8, first, -350.1160773, 829.9516101, 291, 0.14, 128, order)


def test_layer_table():
    rows = {row.name: row for row in cs.summary(on_meta("zfnet"), (3, 224, 224)).layers}
    papers = {
        "features.0": ((96, 110, 110), 14_208, 170_755_200, 7),
        "features.2": ((96, 55, 55), 0, 0, 11),
        "features.4": ((256, 26, 26), 614_656, 415_334_400, 27),
        "features.6": ((256, 13, 13), 0, 0, 43),
        "features.8": ((384, 13, 13), 885_120, 149_520_384, 75),
        "features.10": ((384, 13, 13), 1_327_488, 224_280_576, 107),
        "features.12": ((256, 13, 13), 884_992, 149_520_384, 139),
        "features.14": ((256, 6, 6), 0, 0, 171),
        "classifier.1": ((4096,), 37_752_832, 37_748_736, None),
        "classifier.4": ((4096,), 16_781_312, 16_777_216, None),
        "classifier.7": ((1000,), 4_097_000, 4_096_000, None),
    }
    for name, expected in papers.items():
        row = rows[name]
        assert (row.output_shape, row.parameters, row.macs, row.receptive_field) == expected, name
    # Rectify, pool, then normalise; dropout behind both hidden layers.
    types = [row.type for row in rows.values()]
    assert types[:4] == types[4:8] == ["Conv2d", "ReLU", "MaxPool2d", "LocalResponseNorm"]
    assert types[-7:] == ["Linear", "ReLU", "Dropout", "Linear", "ReLU", "Dropout", "Linear"]


def test_stages():
    network = on_meta("zfnet", num_classes=7)
    check_stages(network, (3, 224, 224), [(96, 110), (96, 55), (256, 26), (256, 13), (256, 6)])
    assert [stride for _, stride in network.stages.values()] == [2, 4, 8, 16, 32]


def test_refuses_another_size_and_other_maps():
    with pytest.raises(ValueError, match=r"^zfnet takes images of N x 3 x 224 x 224; got 1 x 3 x 227 x 227$"):
        on_meta("zfnet")(torch.zeros(1, 3, 227, 227, device="meta"))
    for maps in ((512, 512), (0, 1, 1), ("a", "b", "c")):
        with pytest.raises(cs.UsageError, match="zfnet: maps must be three positive whole numbers"):
            on_meta("zfnet", maps=maps)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_step_of_training(channels):
    torch.manual_seed(0)
    network = cs.create_model("zfnet", num_classes=7, in_channels=channels)
    check_training_step(network, torch.randn(2, channels, 224, 224))


def test_dropout_is_an_argument():
    network = on_meta("zfnet", dropout=0.3)
    assert [m.p for m in network.modules() if isinstance(m, nn.Dropout)] == [0.3, 0.3]


def test_it_starts_as_the_paper_says():
    torch.manual_seed(0)
    layers = [m for m in cs.create_model("zfnet").modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert [float(m.weight.detach().std()) for m in layers] == pytest.approx([0.01] * 8, rel=0.05)
    assert not any(m.bias.any() for m in layers)
