"""The perceptrons, the LeNets and the tutorials' MNIST network, against their specification."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import convscope as cs
from convscope.models.lenet import C3_TABLE, rbf_targets
from convscope.models.tools.layers import RBF, ScaledTanh, SubSampling, TableConv2d

from . import golden

# name, input, layers, first outputs, sum, norm, argmax, sensitivity
ROWS = [
    ("mnist_cnn", (1, 28, 28), 7, (0.5898452335, -0.2662740018, -0.6154752259, -0.8687399026),
     -7.155626946, 4.361871282, 9, 0.24),
    ("lenet_relu", (1, 32, 32), 5, (0.398590565, -0.8337619892, -2.020479019, -0.5984453395),
     -5.130819003, 5.528184112, 9, 0.54),
    ("lenet_sigmoid", (1, 28, 28), 5, (-0.05001687835, -0.3488282006, -0.6651432561, 0.2319343755),
     -1.434826063, 2.410578306, 9, 0.0043),
    ("mlp", (1, 28, 28), 3, (0.4267923098, -1.139921174, -0.9877247491, 0.04460638152),
     4.935416881, 3.530094159, 7, 0.96),
]  # fmt: skip


def test_golden_generator_is_the_specified_one():
    expected = [-0.28626186, -0.46559526, -0.45656138, 0.22987561]
    np.testing.assert_allclose(golden.uniform(4, 0), expected, atol=1e-8)
    np.testing.assert_allclose(golden.uniform(3, 999983), [-0.33953026, 0.19075619, 0.47518602], atol=1e-8)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_golden_rows(row):
    name, size, layers, first, total, norm, best, sensitivity = row
    network = cs.create_model(name)
    assert golden.fill(network, size) == layers
    with torch.no_grad():
        golden.check(network(golden.image(size)), first, total, norm, best)
    assert golden.sensitivity(network, size) == pytest.approx(sensitivity, rel=0.05)


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
    ("name", "options", "parameters", "macs"),
    [
        ("softmax_regression", {}, 7_850, 7_840),
        ("softmax_regression", {"num_classes": 1000}, 785_000, 784_000),
        ("softmax_regression", {"num_classes": 2, "img_size": 128}, 32_770, 32_768),
        ("mlp", {}, 266_610, 266_200),
        ("mlp", {"num_classes": 1000}, 366_600, 365_200),
        ("mlp", {"hidden": [300]}, 238_510, 238_200),
        ("mlp", {"hidden": [1000]}, 795_010, 794_000),
        ("mlp", {"hidden": [500, 150]}, 469_160, 468_500),
        ("mnist_cnn", {}, 2_327_818, 11_542_848),
        ("mnist_cnn", {"num_classes": 1000}, 2_455_528, 11_669_568),
        ("lenet_relu", {}, 61_706, 416_520),
        ("lenet_relu", {"num_classes": 1000}, 145_856, 499_680),
        ("lenet_sigmoid", {}, 61_706, 416_520),
        ("lenet5", {}, 60_000, 325_680),
    ],
)
def test_counts(name, options, parameters, macs):
    size = (1, 128, 128) if "img_size" in options else (1, 32, 32) if name in ("lenet5", "lenet_relu") else (1, 28, 28)
    table = cs.summary(cs.create_model(name, **options), size)
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


def test_mnist_cnn_has_the_tutorials_keys_and_fields():
    network = cs.create_model("mnist_cnn")
    layers = ["layer1.0", "layer2.0", "layer3.0", "layer4.0", "fc.0", "fc.2", "fc.4"]
    assert list(network.state_dict()) == [f"{layer}.{part}" for layer in layers for part in ("weight", "bias")]
    fields = {r.name: r.receptive_field for r in cs.summary(network, (1, 28, 28)).layers}
    assert [fields[f"layer{i}.0"] for i in (1, 2, 3, 4)] == [3, 5, 10, 14]
    assert fields["layer4.2"] == 16


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


@pytest.mark.parametrize("name", ["lenet5", "lenet_relu", "mnist_cnn", "mlp", "softmax_regression"])
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


def test_subsampling_is_a_scaled_sum_of_four():
    layer = SubSampling(1)
    with torch.no_grad():
        layer.weight.fill_(0.5)
        layer.bias.fill_(1.0)
    sums = [0 + 1 + 4 + 5, 2 + 3 + 6 + 7, 8 + 9 + 12 + 13, 10 + 11 + 14 + 15]
    pooled = layer(torch.arange(16.0).view(1, 1, 4, 4))
    assert pooled.flatten().tolist() == [0.5 * four + 1 for four in sums]


def test_scaled_tanh_passes_through_one():
    values = ScaledTanh()(torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64))
    torch.testing.assert_close(values, torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64), atol=1e-4, rtol=0)


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


def test_linear_layers_without_activation_collapse_into_one():
    network = cs.create_model("mlp").double()
    weights = [m.weight for m in network.modules() if isinstance(m, nn.Linear)]
    for module in list(network.layers.named_children()):
        if module[0].startswith("act"):
            setattr(network.layers, module[0], nn.Identity())
    images = torch.randn(3, 1, 28, 28, dtype=torch.float64)
    torch.testing.assert_close(network(images), images.flatten(1) @ (weights[2] @ weights[1] @ weights[0]).T)


def test_mlp_forward_and_gradient_by_hand():
    torch.manual_seed(0)
    network = cs.create_model("mlp", activation="tanh", hidden=[7, 5], img_size=4, num_classes=3).double()
    x = np.random.default_rng(0).normal(size=(2, 16))
    w = [p.detach().numpy() for p in network.parameters()]
    hidden = np.tanh(np.tanh(x @ w[0].T + w[1]) @ w[2].T + w[3])
    expected = hidden @ w[4].T + w[5]
    out = network(torch.from_numpy(x).view(2, 1, 4, 4))
    np.testing.assert_allclose(out.detach().numpy(), expected, atol=1e-12)
    out.square().sum().backward()
    parameter = network.layers.fc1.weight
    step = 1e-6
    with torch.no_grad():
        values = []
        for sign in (1, -1):
            parameter[2, 3] += sign * step
            values.append(float(network(torch.from_numpy(x).view(2, 1, 4, 4)).square().sum()))
            parameter[2, 3] -= sign * step
    assert float(parameter.grad[2, 3]) == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-6)


@pytest.mark.parametrize("act", ["sigmoid", "tanh", "relu", "leaky_relu"])
def test_mlp_takes_the_four_activations(act):
    network = cs.create_model("mlp", activation=act)
    assert network(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize("name", ["softmax_regression", "mlp", "mnist_cnn", "lenet5", "lenet_relu", "lenet_sigmoid"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("batch", [1, 2])
def test_contract(name, channels, batch):
    torch.manual_seed(0)
    network = cs.create_model(name, num_classes=7, in_channels=channels)
    side = 32 if name in ("lenet5", "lenet_relu") else 28
    logits = network(torch.randn(batch, channels, side, side))
    assert logits.shape == (batch, 7) and logits.isfinite().all()
    loss = getattr(network, "loss", F.cross_entropy)(logits, torch.arange(batch))
    loss.backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_unknown_names_and_options_are_one_line():
    with pytest.raises(cs.ModelFileError, match="unknown network 'lenet': did you mean"):
        cs.create_model("lenet")
    with pytest.raises(cs.UsageError, match="lenet5 has no option 'depth'; it takes num_classes"):
        cs.create_model("lenet5", depth=3)
    with pytest.raises(cs.UsageError, match="num_classes must be a positive whole number, not 0"):
        cs.create_model("lenet5", num_classes=0)
    with pytest.raises(cs.UsageError, match="unknown activation 'swoosh'"):
        cs.create_model("mlp", activation="swoosh")
