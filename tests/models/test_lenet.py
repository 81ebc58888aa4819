"""The LeNets, against the paper's tables, equations and figures."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import convscope as cs
from convscope.models.lenet import C3_TABLE, rbf_targets
from convscope.models.tools.layers import RBF, SubSampling, TableConv2d

from . import golden
from .checks import check_training_step


@pytest.mark.parametrize(
    "row",
    [
        ("lenet_relu", (1, 32, 32), 5, (0.398590565, -0.8337619892, -2.020479019, -0.5984453395),
         -5.130819003, 5.528184112, 9, 0.54),
        ("lenet_sigmoid", (1, 28, 28), 5, (-0.05001687835, -0.3488282006, -0.6651432561, 0.2319343755),
         -1.434826063, 2.410578306, 9, 0.0043),
    ],
    ids=lambda row: row[0],
)  # fmt: skip
def test_golden_rows(row):
    name, *expected = row
    golden.check_row(cs.create_model(name), *expected)


def fill_lenet5(module: nn.Module, number: int) -> bool:
    if isinstance(module, SubSampling):
        module.weight.copy_(0.25 + 0.5 * golden.tensor(module.weight.shape, 4 * number))
        module.bias.copy_(0.2 * golden.tensor(module.bias.shape, 4 * number + 1))
        return True
    if isinstance(module, TableConv2d):
        flat = golden.tensor(module.weight.shape, 4 * number)
        fans = torch.tensor([25.0 * len(row) for row in C3_TABLE for _ in row], dtype=torch.float64)
        module.weight.copy_(flat * (24 / fans).sqrt().view(-1, 1, 1))
        module.bias.copy_(0.2 * golden.tensor(module.bias.shape, 4 * number + 1))
        return True
    return False


def test_lenet5_golden_row():
    network = cs.create_model("lenet5")
    assert golden.fill(network, (1, 32, 32), fill_lenet5) == 6
    with torch.no_grad():
        distances = -network(golden.image((1, 32, 32)))
    golden.check(
        -distances,
        (-187.2528186, -164.4319149, -179.9180224, -163.3144345),
        -1693.282769,
        536.19727,
        int((-distances).argmax()),
    )
    assert int(distances.argmax()) == 0
    assert golden.sensitivity(network, (1, 32, 32)) == pytest.approx(0.15, rel=0.05)


@pytest.mark.parametrize(
    ("name", "side", "classes", "parameters", "macs"),
    [
        ("lenet_relu", 32, 10, 61_706, 416_520),
        ("lenet_relu", 32, 1000, 145_856, 499_680),
        ("lenet_sigmoid", 28, 10, 61_706, 416_520),
        ("lenet5", 32, 10, 60_000, 325_680),
    ],
)
def test_counts(name, side, classes, parameters, macs):
    table = cs.summary(cs.create_model(name, num_classes=classes), (1, side, side))
    assert (table.parameters, table.macs) == (parameters, macs)


def test_lenet5_table_is_the_papers():
    table = cs.summary(cs.create_model("lenet5"), (1, 32, 32))
    rows = {row.name: row for row in table.layers}
    papers = {
        "C1": ((6, 28, 28), 156, 122_304, 5),
        "S2": ((6, 14, 14), 12, 5_880, 6),
        "C3": ((16, 10, 10), 1_516, 151_600, 14),
        "S4": ((16, 5, 5), 32, 2_000, 16),
        "C5": ((120, 1, 1), 48_120, 48_120, 32),
        "F6": ((84,), 10_164, 10_164, None),
        "output": ((10,), 0, 840, None),
    }
    for name, expected in papers.items():
        row = rows[name]
        assert (row.output_shape, row.parameters, row.connections, row.receptive_field) == expected, name
    assert (table.parameters, table.connections, table.receptive_field) == (60_000, 340_908, 32)


def test_lenet_keys_are_the_tutorials():
    relu, sigmoid = cs.create_model("lenet_relu"), cs.create_model("lenet_sigmoid")
    assert {k.rsplit(".", 1)[0] for k in relu.state_dict()} == {
        "features.0",
        "features.3",
        "classifier.0",
        "classifier.2",
        "classifier.4",
    }
    assert {k.rsplit(".", 1)[0] for k in sigmoid.state_dict()} == {"1", "4", "8", "10", "12"}


def test_lenet_sigmoid_takes_rows_of_784():
    network = cs.create_model("lenet_sigmoid").eval()
    images = torch.randn(49, 1, 28, 28)
    with torch.no_grad():
        torch.testing.assert_close(network(images.flatten(1)), network(images))
    with pytest.raises(ValueError, match="takes images of N x 1 x 28 x 28"):
        network(torch.zeros(49, 1, 32, 32))  # as many numbers as 64 images of 28 x 28


@pytest.mark.parametrize("name", ["lenet5", "lenet_relu"])
def test_another_size_is_refused_in_one_line(name):
    with pytest.raises(ValueError, match=r"takes images of N x 1 x \d\d x \d\d; got 1 x 1 x 20 x 20$"):
        cs.create_model(name)(torch.zeros(1, 1, 20, 20))


def test_c3_is_a_masked_dense_convolution():
    torch.manual_seed(0)
    layer = TableConv2d(C3_TABLE, 6, 5).double()
    nn.init.normal_(layer.weight)
    nn.init.normal_(layer.bias)
    maps = torch.randn(2, 6, 14, 14, dtype=torch.float64)
    # By hand: sixteen small convolutions, each over its own input maps.
    start, slow = 0, []
    for out, row in enumerate(C3_TABLE):
        kernel = layer.weight[start : start + len(row)].unsqueeze(0)
        slow.append(F.conv2d(maps[:, list(row)], kernel, layer.bias[out : out + 1]))
        start += len(row)
    torch.testing.assert_close(layer(maps), torch.cat(slow, 1))
    mask = torch.tensor([[inp in row for inp in range(6)] for row in C3_TABLE])
    dense = layer.dense_weight()
    assert (dense[~mask] == 0).all() and (dense[mask] != 0).all()
    assert mask.sum() == 60 and (mask.sum(0) == 10).all()


def test_rbf_targets_are_the_transcribed_bitmaps():
    targets = rbf_targets(10)
    assert targets.shape == (10, 84) and set(targets.flatten().tolist()) == {-1.0, 1.0}
    assert (targets == 1).sum(1).tolist() == [35, 27, 33, 32, 41, 35, 39, 25, 43, 39]
    hamming = (targets[:, None] != targets).sum(2)
    apart = hamming[~torch.eye(10, dtype=torch.bool)]
    assert (int(apart.min()), int(apart.max())) == (12, 50)
    assert hamming[6, 8] == 12 and hamming[1, 4] == 50
    torch.testing.assert_close(RBF(targets)(targets), 4.0 * hamming)


def test_rbf_codes_for_other_numbers_of_classes_differ():
    codes = rbf_targets(40)
    assert codes.shape == (40, 84) and len({tuple(row) for row in codes.tolist()}) == 40
    torch.testing.assert_close(codes, rbf_targets(40))


def test_lenet5_losses_are_the_papers_equations():
    torch.manual_seed(0)
    distances = 50 * torch.rand(8, 10, dtype=torch.float64)
    labels = torch.arange(8)
    own = distances[torch.arange(8), labels]
    network = cs.create_model("lenet5", j=2.0)
    rubbish = torch.exp(torch.tensor(-2.0, dtype=torch.float64))
    eq9 = (own + torch.log(rubbish + torch.exp(-distances).sum(1))).mean()
    torch.testing.assert_close(network.loss(-distances, labels), eq9)
    torch.testing.assert_close(cs.create_model("lenet5", criterion="mse").loss(-distances, labels), own.mean())


def test_lenet5_initialises_within_the_papers_bounds():
    torch.manual_seed(0)
    network = cs.create_model("lenet5")
    assert 0.9 * 2.4 / 25 < float(network.C1.weight.detach().abs().max()) <= 2.4 / 25
    assert 0.9 * 2.4 / 120 < float(network.F6.weight.detach().abs().max()) <= 2.4 / 120
    assert float(network.C3.weight.detach()[:3].abs().max()) <= 2.4 / 75
    assert float(network.C3.weight.detach()[-6:].abs().max()) <= 2.4 / 150
    assert float(network.S2.weight.detach().abs().max()) <= 0.6


@pytest.mark.parametrize(("name", "side"), [("lenet5", 32), ("lenet_relu", 32), ("lenet_sigmoid", 28)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("batch", [1, 2])
def test_a_step_of_training(name, side, channels, batch):
    torch.manual_seed(0)
    network = cs.create_model(name, num_classes=7, in_channels=channels)
    check_training_step(network, torch.randn(batch, channels, side, side))
