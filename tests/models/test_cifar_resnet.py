"""ResNet, plain and pre-activation networks for CIFAR: the paper's counts, golden rows, what shortcuts are for."""

from __future__ import annotations

import time
from math import sqrt

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import convscope as cs
from convscope.models.preact_resnet import PreactBottleneck
from convscope.models.resnet import PlainBlock

from . import golden

# name, parameters with 1000 classes, 10 classes, 10 classes and 1 channel, MACs with 1000 and 10, BN, field, depth
TABLE = [
    ("resnet20", 334_072, 269_722, 269_434, 40_614_400, 40_551_040, 1_376, 81, 20),
    ("resnet32", 528_504, 464_154, 463_866, 68_925_952, 68_862_592, 2_272, 137, 32),
    ("resnet44", 722_936, 658_586, 658_298, 97_237_504, 97_174_144, 3_168, 193, 44),
    ("resnet56", 917_368, 853_018, 852_730, 125_549_056, 125_485_696, 4_064, 249, 56),
    ("resnet110", 1_792_312, 1_727_962, 1_727_674, 252_951_040, 252_887_680, 8_096, 501, 110),
    ("resnet1202", 19_485_624, 19_421_274, 19_420_986, 2_829_302_272, 2_829_238_912, 89_632, 5597, 1202),
    ("preact_resnet164", 1_957_688, 1_703_258, 1_702_970, 244_754_432, 244_500_992, 24_224, 255, 164),
    ("preact_resnet1001", 10_582_136, 10_327_706, 10_327_418, 1_488_103_424, 1_487_849_984, 149_216, 1557, 1001),
]
PLAIN = [(row[0].replace("resnet", "plain"), *row[1:]) for row in TABLE if row[0] in
         ("resnet20", "resnet32", "resnet44", "resnet56", "resnet110")]  # fmt: skip

# name, layers, first outputs, sum, norm, argmax, sensitivity
GOLDEN = [
    ("resnet20", 39, (-4.156918411, -1.754943648, 8.47711579, -0.2248674093), 1.889831962, 18.16167429, 6, 0.091),
    ("plain20", 39, (0.00891369012, -0.3217922547, 0.3826459857, -0.1264882467), 0.3495978219, 0.7120178309, 2, 0.01),
    ("plain56", 111, (0.1354331689, 0.1648963063, -0.09797436358, -0.04105078554),
     -0.4443095373, 0.4593958676, 1, 0.00014),
    ("preact_resnet164", 330, (8614.957704, 15737.3767, 4900.820287, -22343.85357),
     -72201.12003, 44624.12353, 1, 0.04),
    ("preact_resnet1001", 2004, (-3.415296858e25, -6.8661129e27, -3.531263827e27, -8.943445598e27),
     -1.51319553e28, 2.237747074e28, 4, 0.014),
]  # fmt: skip


@pytest.mark.parametrize("row", [*TABLE, *PLAIN], ids=lambda row: row[0])
def test_counts(row):
    name, thousand, ten, ten_gray, macs_thousand, macs, norms, field, depth = row
    with torch.device("meta"):
        network = cs.create_model(name)
    table = cs.summary(network, (3, 32, 32))
    assert (table.parameters, table.macs, table.receptive_field) == (ten, macs, field)
    assert sum(row.parameters for row in table.layers if row.type == "BatchNorm2d") == norms
    # The name counts the layers of the main path.
    weighted = [row for row in table.layers if row.type in ("Conv2d", "Linear") and "downsample" not in row.name]
    assert len(weighted) == depth
    if depth > 110:  # the head and the first convolution are what differs
        head, first = table.layers[-1], table.layers[0]
        assert head.parameters // 10 * 990 + ten == thousand and ten - first.parameters * 2 // 3 == ten_gray
    else:
        with torch.device("meta"):
            wide = cs.summary(cs.create_model(name, num_classes=1000), (3, 32, 32))
            gray = cs.create_model(name, in_channels=1)
        assert (wide.parameters, wide.macs) == (thousand, macs_thousand)
        assert sum(p.numel() for p in gray.parameters()) == ten_gray


def test_1202_layers_are_built_and_counted_at_once():
    with torch.device("meta"):
        cs.create_model("resnet20")  # what torch imports at the first use of the meta device does not count
        start = time.process_time()
        network = cs.create_model("resnet1202")
    assert sum(p.numel() for p in network.parameters()) == 19_421_274
    assert time.process_time() - start < 3  # 0.8 s on a laptop's core


@pytest.mark.parametrize("name", ["resnet1202", "preact_resnet1001"])
def test_a_thousand_layers_run(name):
    torch.manual_seed(0)
    network = cs.create_model(name)
    with torch.no_grad():  # in training mode: without a step of training batch norms have no statistics to go by
        logits = network(torch.randn(1, 3, 32, 32))
    assert logits.shape == (1, 10) and logits.isfinite().all() and logits.std() > 0


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: row[0])
def test_golden_rows(row):
    name, layers, first, total, norm, best, sensitivity = row
    network = cs.create_model(name)
    assert golden.fill(network, (3, 8, 8)) == layers
    with torch.no_grad():
        golden.check(network(golden.image((3, 32, 32))), first, total, norm, best)
    assert golden.sensitivity(network, (3, 32, 32)) == pytest.approx(sensitivity, rel=0.05)


@pytest.mark.parametrize("name", ["resnet20", "resnet110", "plain56", "preact_resnet164"])
def test_stages(name):
    with torch.device("meta"):
        network = cs.create_model(name)
    shapes = {}
    for path, module in network.named_modules():
        module.register_forward_hook(lambda m, i, out, path=path: shapes.update({path: tuple(out.shape[1:])}))
    network(torch.empty(2, 3, 32, 32, device="meta"))
    wide = 4 if name.startswith("preact") else 1
    assert [shapes[path] for path in network.stages] == [(16 * wide, 32, 32), (32 * wide, 16, 16), (64 * wide, 8, 8)]
    assert list(network.stages.values()) == [(16 * wide, 1), (32 * wide, 2), (64 * wide, 4)]


def test_keys_are_those_of_the_public_weights():
    parts = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    norm = lambda path: [f"{path}.{part}" for part in parts]  # noqa: E731
    expected = ["conv1.weight", *norm("bn1")]
    for block in [f"layer{i}.{j}" for i in (1, 2, 3) for j in range(3)]:
        expected += [f"{block}.conv1.weight", *norm(f"{block}.bn1"), f"{block}.conv2.weight", *norm(f"{block}.bn2")]
    expected += ["linear.weight", "linear.bias"]
    assert list(cs.create_model("resnet20").state_dict()) == expected
    assert list(cs.create_model("plain20").state_dict()) == expected


def test_option_b_and_the_place_of_the_zeros():
    projected = cs.create_model("resnet20", shortcut="B")
    assert sum(p.numel() for p in projected.parameters()) == 272_474
    torch.manual_seed(0)
    centre, end = cs.create_model("resnet20").eval(), cs.create_model("resnet20", zeros="end").eval()
    end.load_state_dict(centre.state_dict(), strict=True)
    images = torch.randn(2, 3, 32, 32)
    assert not torch.allclose(centre(images), end(images))
    # With the maps of stages 2 and 3 in another order they are the same network.
    with torch.no_grad():
        quarter = torch.arange(32).roll(-8)  # what "centre" puts at 8..23 is at 0..15 in "end"
        permute(end.layer2, torch.arange(16), quarter)
        inherited = torch.cat([16 + quarter, torch.arange(48, 64), torch.arange(16)])
        permute(end.layer3, quarter, inherited)
        end.linear.weight.copy_(end.linear.weight[:, inherited])
    torch.testing.assert_close(end(images), centre(images), rtol=1e-4, atol=1e-4)
    for options, message in [
        ({"shortcut": "C"}, r"^resnet20: unknown shortcut 'C'; choose A or B$"),
        ({"zeros": "start"}, r"^resnet20: unknown place 'start' for the zeros; choose centre or end$"),
    ]:
        with pytest.raises(cs.UsageError, match=message):
            cs.create_model("resnet20", **options)


def permute(layer: nn.Module, inputs: torch.Tensor, outputs: torch.Tensor) -> None:
    """Let a stage take and give its maps in another order (map i of the new is map outputs[i] of the old)."""
    for block in layer:
        block.conv1.weight.copy_(block.conv1.weight[:, inputs])
        block.conv2.weight.copy_(block.conv2.weight[outputs])
        for part in (block.bn2.weight, block.bn2.bias, block.bn2.running_mean, block.bn2.running_var):
            part.copy_(part[outputs])
        inputs = outputs


@torch.no_grad()
def make_identity(block: PlainBlock) -> None:
    """Kernels that copy their input, batch norms that undo what they subtract and divide by: the block is ReLU(x)."""
    for conv, norm in ((block.conv1, block.bn1), (block.conv2, block.bn2)):
        nn.init.dirac_(conv.weight)
        norm.weight.copy_((norm.running_var + norm.eps).sqrt())
        norm.bias.copy_(norm.running_mean)


def test_a_deeper_plain_network_can_do_what_the_shallow_one_does():
    torch.manual_seed(0)
    shallow = cs.create_model("plain20").double()
    optimizer = torch.optim.SGD(shallow.parameters(), lr=0.05)
    for _ in range(3):
        loss = F.cross_entropy(shallow(torch.randn(8, 3, 32, 32, dtype=torch.float64)), torch.arange(8))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    deep = cs.create_model("plain56").double()
    images = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    missing, unexpected = deep.load_state_dict(shallow.state_dict(), strict=False)
    assert not unexpected and {key.split(".")[1] for key in missing} == set("345678")
    shallow.eval(), deep.eval()
    with torch.no_grad():
        expected = shallow(images)
        assert not torch.allclose(deep(images), expected)
        for layer in (deep.layer1, deep.layer2, deep.layer3):
            for block in layer[3:]:
                make_identity(block)
        torch.testing.assert_close(deep(images), expected, rtol=1e-10, atol=1e-12)
    assert expected.std() > 1e-3 and not torch.allclose(expected[0], expected[1], rtol=1e-3)


def test_a_deeper_residual_network_needs_zeros_only():
    torch.manual_seed(0)
    shallow, deep = cs.create_model("resnet20").eval(), cs.create_model("resnet56").eval()
    deep.load_state_dict(shallow.state_dict(), strict=False)
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        expected = shallow(images)
        assert not torch.allclose(deep(images), expected)
        for layer in (deep.layer1, deep.layer2, deep.layer3):
            for block in layer[3:]:
                block.bn2.weight.zero_()
        torch.testing.assert_close(deep(images), expected)


def test_preactivation_blocks_add_up():
    torch.manual_seed(0)
    block = PreactBottleneck(64, 16, 1).eval()
    x = torch.randn(2, 64, 7, 5)
    change = x
    for norm, conv in ((block.bn1, block.conv1), (block.bn2, block.conv2), (block.bn3, block.conv3)):
        change = conv(F.relu(norm(change)))
    torch.testing.assert_close(block(x), x + change)  # no rectifier behind the sum
    assert (block(x) < 0).any()
    first = PreactBottleneck(64, 32, 2).eval()
    active = F.relu(first.bn1(x))
    assert first.conv1.stride == first.downsample.stride == (2, 2) and first.conv2.stride == (1, 1)
    change = first.conv3(F.relu(first.bn3(first.conv2(F.relu(first.bn2(first.conv1(active)))))))
    torch.testing.assert_close(first(x), change + first.downsample(active))


@pytest.mark.parametrize("name", ["resnet20", "plain20", "preact_resnet164"])
@pytest.mark.parametrize(("channels", "batch", "size"), [(1, 2, (28, 28)), (3, 1, (33, 17)), (3, 2, (32, 32))])
def test_any_size_and_a_gradient_on_every_parameter(name, channels, batch, size):
    torch.manual_seed(0)
    network = cs.create_model(name, num_classes=7, in_channels=channels)
    logits = network(torch.randn(batch, channels, *size))
    assert logits.shape == (batch, 7) and logits.isfinite().all()
    F.cross_entropy(logits, torch.arange(batch)).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() and p.grad.any() for p in network.parameters())


@pytest.mark.parametrize("name", ["resnet44", "preact_resnet164"])
def test_starts_as_the_paper_says(name):
    torch.manual_seed(0)
    network = cs.create_model(name)
    weight = network.layer3[3].conv2.weight.detach()
    assert weight.shape == (64, 64, 3, 3)
    assert float(weight.std()) == pytest.approx(sqrt(2 / (9 * 64)), rel=0.02)
    assert float((weight / weight.std()).pow(4).mean()) == pytest.approx(3, abs=0.1)
