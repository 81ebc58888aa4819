"""ResNet and the plain networks for ImageNet: the paper's tables, torchvision's function, golden rows."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

import convscope as cs
from convscope.models.resnet import SHORTCUTS, BasicBlock, Bottleneck, PaddedIdentity, PaperBottleneck, PlainBlock

from . import golden, parity

NAMES = ["plain18", "plain34", "resnet18", "resnet34", "resnet50", "resnet101", "resnet152"]

# name, options, parameters with 1000 classes, 10 classes, 10 classes and 1 channel, MACs, convolutions, BN, field
TABLE = [
    ("plain18", {}, 11_515_688, 11_007_818, 11_001_546, 1_794_805_760, 17, 7_808, 435),
    ("resnet18", {"shortcut": "A"}, 11_515_688, 11_007_818, 11_001_546, 1_794_805_760, 17, 7_808, 435),
    ("resnet18", {}, 11_689_512, 11_181_642, 11_175_370, 1_814_073_344, 20, 9_600, 435),
    ("resnet18", {"shortcut": "C"}, 12_043_816, 11_535_946, 11_529_674, 1_878_298_624, 25, 11_648, 435),
    ("plain34", {}, 21_623_848, 21_115_978, 21_109_706, 3_644_493_824, 33, 15_232, 899),
    ("resnet34", {"shortcut": "A"}, 21_623_848, 21_115_978, 21_109_706, 3_644_493_824, 33, 15_232, 899),
    ("resnet34", {}, 21_797_672, 21_289_802, 21_283_530, 3_663_761_408, 36, 17_024, 899),
    ("resnet34", {"shortcut": "C"}, 22_716_840, 22_208_970, 22_202_698, 3_830_747_136, 49, 22_784, 899),
    ("resnet50", {"stride_in_1x1": True}, 25_557_032, 23_528_522, 23_522_250, 3_857_973_248, 53, 53_120, 483),
    ("resnet50", {}, 25_557_032, 23_528_522, 23_522_250, 4_089_184_256, 53, 53_120, 427),
    ("resnet101", {"stride_in_1x1": True}, 44_549_160, 42_520_650, 42_514_378, 7_570_194_432, 104, 105_344, 1027),
    ("resnet101", {}, 44_549_160, 42_520_650, 42_514_378, 7_801_405_440, 104, 105_344, 971),
    ("resnet152", {"stride_in_1x1": True}, 60_192_808, 58_164_298, 58_158_026, 11_282_415_616, 155, 151_424, 1507),
    ("resnet152", {}, 60_192_808, 58_164_298, 58_158_026, 11_513_626_624, 155, 151_424, 1451),
]  # fmt: skip

# name, options, layers, first outputs, sum, norm, argmax, sensitivity
GOLDEN = [
    ("plain18", {}, 35,
     (-0.1654810634, 0.1501754471, 0.412744498, 0.02227680825), 29.05247269, 9.938990284, 613, 0.029),
    ("resnet34", {"shortcut": "A"}, 67,
     (58.88780992, 77.99337313, -298.4743165, 51.00297922), 996.866606, 4743.178072, 428, 0.017),
    ("resnet50", {"stride_in_1x1": True}, 107,
     (-153.9301917, -36.57498694, -131.1670107, 41.78918822), 929.8022025, 2453.815539, 962, 0.018),
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]}-{'-'.join(map(str, row[1].values()))}")
def test_counts(row):
    name, options, thousand, ten, ten_gray, macs, convolutions, norms, field = row
    with torch.device("meta"):
        network = cs.create_model(name, **options)
        small = cs.create_model(name, num_classes=10, **options)
        gray = cs.create_model(name, num_classes=10, in_channels=1, **options)
    table = cs.summary(network, (3, 224, 224))
    assert (table.parameters, table.macs, table.receptive_field) == (thousand, macs, field)
    assert [sum(p.numel() for p in m.parameters()) for m in (small, gray)] == [ten, ten_gray]
    assert sum(row.type == "Conv2d" for row in table.layers) == convolutions
    assert sum(row.parameters for row in table.layers if row.type == "BatchNorm2d") == norms


@pytest.mark.parametrize("name", NAMES)
def test_stages_have_the_sizes_of_table_1(name):
    with torch.device("meta"):
        network = cs.create_model(name)
    shapes = {}
    for path, module in network.named_modules():
        module.register_forward_hook(lambda m, i, out, path=path: shapes.update({path: tuple(out.shape[1:])}))
    network(torch.empty(2, 3, 224, 224, device="meta"))
    assert shapes["maxpool"] == (64, 56, 56)
    wide = 4 if name in ("resnet50", "resnet101", "resnet152") else 1
    sizes = {f"layer{i}": (64 * wide * 2 ** (i - 1), 112 // 2**i, 112 // 2**i) for i in (1, 2, 3, 4)}
    assert {path: shapes[path] for path in network.stages} == sizes
    assert network.stages == {path: (maps, 224 // side) for path, (maps, side, _) in sizes.items()}
    blocks = {18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3], 101: [3, 4, 23, 3], 152: [3, 8, 36, 3]}
    depth = int("".join(filter(str.isdigit, name)))
    assert [len(network.get_submodule(path)) for path in network.stages] == blocks[depth]


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: row[0])
def test_golden_rows(row):
    name, options, layers, first, total, norm, best, sensitivity = row
    network = cs.create_model(name, **options)
    assert golden.fill(network, (3, 32, 32)) == layers
    with torch.no_grad():
        golden.check(network(golden.image((3, 224, 224))), first, total, norm, best)
    assert golden.sensitivity(network, (3, 224, 224)) == pytest.approx(sensitivity, rel=0.05)


@pytest.mark.parametrize(("name", "size"), [("resnet18", (3, 97, 65)), ("resnet50", (3, 65, 97))])
def test_same_function_as_torchvision(name, size):
    theirs = getattr(torchvision.models, name)(num_classes=20)
    ours = cs.create_model(name, num_classes=20)
    parity.assert_same(ours, theirs, size)
    parity.assert_same_statistics(ours, theirs, size)


def test_same_function_as_timm():
    timm = pytest.importorskip("timm")
    theirs = timm.create_model("resnet34", num_classes=7)
    parity.assert_same(cs.create_model("resnet34", num_classes=7), theirs, (3, 65, 79))


@pytest.mark.parametrize("name", ["resnet34", "resnet101", "resnet152"])
def test_keys_and_shapes_are_torchvisions(name):
    with torch.device("meta"):
        theirs, ours = getattr(torchvision.models, name)().state_dict(), cs.create_model(name).state_dict()
    assert [(key, value.shape) for key, value in ours.items()] == [(key, value.shape) for key, value in theirs.items()]


def test_place_of_the_stride_changes_the_function_and_not_the_weights():
    torch.manual_seed(0)
    theirs, paper = Bottleneck(8, 4, 2, SHORTCUTS["B"]), PaperBottleneck(8, 4, 2, SHORTCUTS["B"])
    paper.load_state_dict(theirs.state_dict(), strict=True)
    maps = torch.randn(2, 8, 9, 9)
    a, b = theirs.eval()(maps), paper.eval()(maps)
    assert a.shape == b.shape == (2, 16, 5, 5) and not torch.allclose(a, b)
    # The paper's looks at every other pixel only.
    maps[:, :, 1::2] = 100.0
    torch.testing.assert_close(paper(maps), b)
    assert not torch.allclose(theirs(maps), a)


@pytest.mark.parametrize("zeros", ["centre", "end"])
@pytest.mark.parametrize(("inputs", "outputs", "stride", "side"), [(2, 4, 2, 7), (3, 8, 2, 6), (4, 16, 1, 5)])
def test_option_a_by_explicit_loops(zeros, inputs, outputs, stride, side):
    maps = torch.randn(2, inputs, side, side + 1)
    height, width = -(-side // stride), -(-(side + 1) // stride)
    expected = torch.zeros(2, outputs, height, width)
    first = (outputs - inputs) // 2 if zeros == "centre" else 0
    for n in range(2):
        for c in range(inputs):
            for y in range(height):
                for x in range(width):
                    expected[n, first + c, y, x] = maps[n, c, y * stride, x * stride]
    layer = PaddedIdentity(inputs, outputs, stride, zeros)
    assert torch.equal(layer(maps), expected) and not list(layer.parameters())
    # It fits the convolution beside it.
    assert nn.Conv2d(inputs, outputs, 3, stride, padding=1)(maps).shape == expected.shape


@pytest.mark.parametrize("block", [BasicBlock, Bottleneck])
def test_block_without_change_is_a_relu(block):
    network = block(16, 16 // block.expansion, 1, SHORTCUTS["B"])
    last = network.bn2 if block is BasicBlock else network.bn3
    nn.init.zeros_(last.weight)  # and its bias is 0: F(x) = 0
    for mode in (True, False):
        x = torch.randn(2, 16, 5, 5, requires_grad=True)
        y = network.train(mode)(x)
        assert torch.equal(y, F.relu(x))
        # The gradient passes the shortcut unchanged wherever the ReLU is positive, whatever the weights of F.
        above = torch.randn_like(y)
        (gradient,) = torch.autograd.grad(y, x, above)
        assert torch.equal(gradient, above * (x > 0))


def test_plain_block_is_the_residual_block_without_the_addition():
    torch.manual_seed(0)
    residual, plain = BasicBlock(6, 6, 1, SHORTCUTS["A"]).eval(), PlainBlock(6, 6, 1).eval()
    plain.load_state_dict(residual.state_dict(), strict=True)
    x = torch.randn(2, 6, 5, 5)
    change = plain.bn2(plain.conv2(F.relu(plain.bn1(plain.conv1(x)))))
    torch.testing.assert_close(plain(x), F.relu(change))
    torch.testing.assert_close(residual(x), F.relu(change + x))


def test_shortcut_options_where_they_belong():
    for option, kinds in {
        "A": [[None, None], [PaddedIdentity, None]],
        "B": [[None, None], [nn.Sequential, None]],
        "C": [[nn.Sequential] * 2] * 2,
    }.items():
        with torch.device("meta"):
            network = cs.create_model("resnet18", shortcut=option)
        for layer, expected in (("layer1", kinds[0]), ("layer2", kinds[1]), ("layer4", kinds[1])):
            found = [block.downsample for block in network.get_submodule(layer)]
            assert [None if module is None else type(module) for module in found] == expected, (option, layer)
    with pytest.raises(cs.UsageError, match=r"^resnet18: unknown shortcut 'D'; choose A, B, C$"):
        cs.create_model("resnet18", shortcut="D")
    with pytest.raises(cs.UsageError, match="resnet18 has no option 'stride_in_1x1'"):
        cs.create_model("resnet18", stride_in_1x1=True)


def test_starts_as_he_says():
    torch.manual_seed(0)
    network = cs.create_model("resnet18")
    weight = network.layer3[0].conv1.weight.detach()  # 128 -> 256 maps
    assert float(weight.std()) == pytest.approx((2 / (9 * 256)) ** 0.5, rel=0.01)
    assert abs(float(weight.mean())) < 1e-3
    # Kurtosis 3: normal, not uniform (1.8).
    assert float((weight / weight.std()).pow(4).mean()) == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("name", ["plain18", "resnet18", "resnet50"])
@pytest.mark.parametrize(("channels", "batch", "size"), [(1, 2, (33, 47)), (3, 1, (65, 64)), (3, 2, (32, 32))])
def test_any_size_and_a_gradient_on_every_parameter(name, channels, batch, size):
    torch.manual_seed(0)
    network = cs.create_model(name, num_classes=7, in_channels=channels)
    logits = network(torch.randn(batch, channels, *size))
    assert logits.shape == (batch, 7) and logits.isfinite().all()
    F.cross_entropy(logits, torch.arange(batch)).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() and p.grad.any() for p in network.parameters())


def test_every_activation_is_a_module_of_its_own():
    network = cs.create_model("resnet50", num_classes=7).eval()
    calls = {}
    for path, module in network.named_modules():
        if not list(module.children()):
            module.register_forward_hook(lambda m, i, o, path=path: calls.update({path: calls.get(path, 0) + 1}))
    with torch.no_grad():
        network(torch.zeros(1, 3, 32, 32))
    assert set(calls.values()) == {1} and sum("relu" in path for path in calls) == 49
    assert not any(getattr(module, "inplace", False) for module in network.modules())
