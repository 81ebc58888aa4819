"""Network in Network, against its specification."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import convscope as cs

from . import golden
from .checks import check_stages, check_training_step, on_meta


@pytest.mark.parametrize(
    ("name", "options", "parameters", "macs", "field"),
    [
        ("nin", {}, 7_595_176, 1_100_188_800, 195),
        ("nin", {"num_classes": 10}, 6_580_426, 1_063_693_440, 195),
        ("nin", {"num_classes": 10, "in_channels": 1}, 6_557_194, 995_948_928, 195),
        ("nin_cifar", {}, 966_986, 222_486_528, 27),
        ("nin_cifar", {"num_classes": 100}, 984_356, 223_592_448, 27),
        ("nin_cifar", {"num_classes": 1000}, 1_158_056, 234_651_648, 27),
        ("nin_cifar", {"in_channels": 1}, 957_386, 212_656_128, 27),
    ],
)
def test_counts(name, options, parameters, macs, field):
    side = 32 if name == "nin_cifar" else 224
    table = cs.summary(on_meta(name, **options), (options.get("in_channels", 3), side, side))
    assert (table.parameters, table.macs, table.receptive_field) == (parameters, macs, field)


@pytest.mark.parametrize(
    "row",
    [
        ("nin", (3, 224, 224), 12, (0, 0.0291781088, 0.8669791852, 0.4561315323),
         946.2244171, 49.27147773, 513, 0.036),
        ("nin_cifar", (3, 32, 32), 9, (0.925397289, 0, 0.09304207503, 0.002012820281),
         2.507248386, 1.368973941, 0, 0.05),
    ],
    ids=lambda row: row[0],
)  # fmt: skip
def test_golden_rows(row):
    name, *expected = row
    network = on_meta(name).to_empty(device="cpu")
    order = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    golden.check_row(network, *expected, order=order)


@pytest.mark.parametrize(
    ("name", "side", "maps", "strides"),
    [
        ("nin", 224, [(96, 54), (256, 27), (384, 13), (7, 6)], [4, 8, 16, 32]),
        ("nin_cifar", 32, [(96, 32), (192, 16), (7, 8)], [1, 2, 4]),
    ],
)
def test_stages(name, side, maps, strides):
    network = on_meta(name, num_classes=7)
    check_stages(network, (3, side, side), maps)
    assert [stride for _, stride in network.stages.values()] == strides


def test_an_mlpconv_is_a_perceptron_on_every_patch():
    torch.manual_seed(0)
    network = cs.create_model("nin_cifar", num_classes=5).double()
    block = network.features.mlpconv1
    for parameter in block.parameters():
        nn.init.normal_(parameter, std=0.2)
    images = torch.randn(2, 3, 9, 11, dtype=torch.float64)
    rows = F.unfold(images, 5, padding=2).transpose(1, 2)  # N x pixels x 75
    for layer in (block.conv, block.cccp1, block.cccp2):
        rows = F.relu(rows @ layer.weight.flatten(1).T + layer.bias)
    torch.testing.assert_close(block(images).flatten(2), rows.transpose(1, 2))


@pytest.mark.parametrize(("name", "least", "sizes"), [("nin", 39, (64, 101, 224)), ("nin_cifar", 4, (5, 28, 47))])
def test_it_takes_any_size_with_the_same_weights(name, least, sizes):
    torch.manual_seed(0)
    network = cs.create_model(name, num_classes=7, in_channels=1).eval()
    with torch.no_grad():
        for side in (least, *sizes):
            images = torch.randn(1, 1, side, side + 3)
            evidence = network.features(images)  # one map per class, averaged whatever its size
            torch.testing.assert_close(network(images), evidence.mean((2, 3)))
    with pytest.raises(ValueError, match=rf"^nin takes images of at least {least} x {least}; got"):
        network(torch.zeros(1, 1, least - 1, least))


@pytest.mark.parametrize(("name", "side"), [("nin", 67), ("nin_cifar", 33)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_step_of_training(name, side, channels):
    torch.manual_seed(0)
    network = cs.create_model(name, num_classes=7, in_channels=channels)
    # A class whose rectified map is zero everywhere learns nothing in this step; every layer does.
    check_training_step(network, torch.randn(2, channels, side, side))


@pytest.mark.parametrize(("name", "count"), [("nin", 1), ("nin_cifar", 2)])
def test_dropout_is_an_argument(name, count):
    network = on_meta(name, dropout=0.3)
    assert [m.p for m in network.modules() if isinstance(m, nn.Dropout)] == [0.3] * count


@pytest.mark.parametrize(
    ("name", "deviations"),
    [
        ("nin", [0.01, 0.05, 0.05, 0.05, 0.05, 0.05, 0.01, 0.05, 0.05, 0.05, 0.05, 0.01]),
        ("nin_cifar", [0.05] * 9),
    ],
)
def test_it_starts_as_the_release_does(name, deviations):
    torch.manual_seed(0)
    layers = [m for m in cs.create_model(name).modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert [float(m.weight.detach().std()) for m in layers] == pytest.approx(deviations, rel=0.05), name
    assert not any(m.bias.any() for m in layers)
