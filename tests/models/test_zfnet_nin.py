"""ZFNet and Network in Network, against their specification."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import convscope as cs

from . import golden


def on_meta(name: str, **options: object) -> nn.Module:
    with torch.device("meta"):
        return cs.create_model(name, **options)


WIDE = {"maps": (512, 1024, 512)}


@pytest.mark.parametrize(
    ("name", "options", "parameters", "macs", "field"),
    [
        ("zfnet", {}, 62_357_608, 1_168_032_896, 171),
        ("zfnet", {"num_classes": 10}, 58_301_578, 1_163_977_856, 171),
        ("zfnet", {"num_classes": 10, "in_channels": 1}, 58_292_170, 1_050_141_056, 171),
        ("zfnet", WIDE, 107_627_624, 2_476_704_896, 171),
        ("zfnet", WIDE | {"num_classes": 10}, 103_571_594, 2_472_649_856, 171),
        ("zfnet", WIDE | {"num_classes": 10, "in_channels": 1}, 103_562_186, 2_358_813_056, 171),
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


# name, input, amplitude, layers, first outputs, sum, norm, argmax, sensitivity
ROWS = [
    ("zfnet", (3, 224, 224), 128, 8,
     (24.60085559, -4.795305764, 33.50179117, -7.657741303), -350.1160773, 829.9516101, 291, 0.14),
    ("nin", (3, 224, 224), 1, 12,
     (0, 0.0291781088, 0.8669791852, 0.4561315323), 946.2244171, 49.27147773, 513, 0.036),
    ("nin_cifar", (3, 32, 32), 1, 9,
     (0.925397289, 0, 0.09304207503, 0.002012820281), 2.507248386, 1.368973941, 0, 0.05),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_golden_rows(row):
    name, size, amplitude, layers, first, total, norm, best, sensitivity = row
    network = on_meta(name).to_empty(device="cpu")
    order = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert golden.fill(network, size, order=order) == layers
    with torch.no_grad():
        golden.check(network(golden.image(size, amplitude)), first, total, norm, best)
    assert golden.sensitivity(network, size, amplitude) == pytest.approx(sensitivity, rel=0.05)


def test_zfnet_layer_table():
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


@pytest.mark.parametrize(
    ("name", "side", "expected"),
    [
        ("zfnet", 224, [(96, 2, 110), (96, 4, 55), (256, 8, 26), (256, 16, 13), (256, 32, 6)]),
        ("nin", 224, [(96, 4, 54), (256, 8, 27), (384, 16, 13), (7, 32, 6)]),
        ("nin_cifar", 32, [(96, 1, 32), (192, 2, 16), (7, 4, 8)]),
    ],
)
def test_stages(name, side, expected):
    network = on_meta(name, num_classes=7)
    shapes = {}
    for path in network.stages:
        network.get_submodule(path).register_forward_hook(lambda m, i, o, p=path: shapes.update({p: o.shape}))
    network(torch.empty(2, 3, side, side, device="meta"))
    assert [(maps, stride, shapes[path][2]) for path, (maps, stride) in network.stages.items()] == expected
    assert [shape[1] for shape in shapes.values()] == [maps for maps, _, _ in expected]


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
def test_nin_takes_any_size_with_the_same_weights(name, least, sizes):
    torch.manual_seed(0)
    network = cs.create_model(name, num_classes=7, in_channels=1).eval()
    with torch.no_grad():
        for side in (least, *sizes):
            images = torch.randn(1, 1, side, side + 3)
            evidence = network.features(images)  # one map a class, averaged whatever its size
            torch.testing.assert_close(network(images), evidence.mean((2, 3)))
    with pytest.raises(ValueError, match=rf"^nin takes images of at least {least} x {least}; got"):
        network(torch.zeros(1, 1, least - 1, least))


def test_zfnet_refuses_another_size_and_other_maps():
    with pytest.raises(ValueError, match=r"^zfnet takes images of N x 3 x 224 x 224; got 1 x 3 x 227 x 227$"):
        on_meta("zfnet")(torch.zeros(1, 3, 227, 227, device="meta"))
    for maps in ((512, 512), (0, 1, 1), ("a", "b", "c")):
        with pytest.raises(cs.UsageError, match="zfnet: maps must be three positive whole numbers"):
            on_meta("zfnet", maps=maps)


@pytest.mark.parametrize(("name", "side"), [("zfnet", 224), ("nin", 67), ("nin_cifar", 33)])
@pytest.mark.parametrize("channels", [1, 3])
def test_contract(name, side, channels):
    torch.manual_seed(0)
    network = cs.create_model(name, num_classes=7, in_channels=channels)
    images = torch.randn(2, channels, side, side)
    logits = network(images)
    assert logits.shape == (2, 7) and logits.isfinite().all()
    F.cross_entropy(logits, torch.tensor([1, 4])).backward()
    # A class whose rectified map is zero everywhere learns nothing in this step; every layer does.
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())
    with torch.no_grad():
        assert not torch.equal(network(images), network(images)), "dropout is missing"
        network.eval()
        first = network(images)
        assert torch.equal(first, network(images)), "dropout stays on in evaluation"
        torch.testing.assert_close(network(images[:1]), first[:1], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("name", "count"), [("zfnet", 2), ("nin", 1), ("nin_cifar", 2)])
def test_dropout_is_an_argument(name, count):
    network = on_meta(name, dropout=0.3)
    assert [m.p for m in network.modules() if isinstance(m, nn.Dropout)] == [0.3] * count


def test_starts():
    torch.manual_seed(0)
    expected = {
        "zfnet": [0.01] * 8,
        "nin": [0.01, 0.05, 0.05, 0.05, 0.05, 0.05, 0.01, 0.05, 0.05, 0.05, 0.05, 0.01],
        "nin_cifar": [0.05] * 9,
    }
    for name, deviations in expected.items():
        layers = [m for m in cs.create_model(name).modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        assert [float(m.weight.detach().std()) for m in layers] == pytest.approx(deviations, rel=0.05), name
        assert not any(m.bias.any() for m in layers)
