"""BN-Inception, Inception-v3, -v4 and the Inception-ResNets: the papers' tables, others' functions, golden rows."""

from __future__ import annotations

import sys

import pytest
import timm
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

import convscope as cs
from convscope.models.bn_inception import FIGURE5, HalvingMaxPool
from convscope.models.inception_resnet import Block8, Block17, Block35
from convscope.models.inception_v3 import InceptionOutputs
from convscope.models.tools.backbone import Backbone
from convscope.models.tools.inception_blocks import AuxiliaryPool

from . import golden, parity

SIDE = {"bn_inception": 224}  # all others 299

# name, options, parameters with 1000 classes, 10 classes, 10 classes and 1 channel, MACs, convolutions, BN, field
TABLE = [
    ("bn_inception", {}, 11_194_984, 10_180_234, 10_173_962, 2_018_851_840, 69, 19_904, 699),
    ("bn_inception", {"caffe": True}, 11_295_240, 10_280_490, 10_274_218, 2_032_600_064, 69, 20_032, 699),
    ("inception_v3", {"aux_logits": False}, 23_834_568, 21_806_058, 21_805_482, 5_713_216_096, 94, 34_432, 1311),
    ("inception_v3", {}, 27_161_264, 24_371_444, 24_370_868, 5_713_216_096, 94, 34_432, 1311),
    ("inception_v4", {}, 42_679_816, 41_158_186, 41_157_610, 12_253_974_624, 149, 63_168, 2071),
    ("inception_resnet_v1", {}, 22_756_328, 20_981_258, 20_980_682, 6_206_361_696, 127, 27_040, 1567),
    ("inception_resnet_v2", {"as_printed": True}, 32_433_928, 30_310_378, 30_309_802, 9_257_953_632, 132, 32_864, 1591),
    ("inception_resnet_v2", {}, 55_843_464, 54_321_834, 54_321_258, 13_155_794_016, 244, 60_544, 3039),
]  # fmt: skip

# name, options: channels and side of the maps of each stage
STAGES = [
    ("bn_inception", {}, [(192, 56), (320, 28), (576, 14), (1024, 7)]),
    ("bn_inception", {"caffe": True}, [(192, 56), (320, 28), (608, 14), (1024, 7)]),
    ("inception_v3", {}, [(192, 71), (288, 35), (768, 17), (2048, 8)]),
    ("inception_v4", {}, [(192, 71), (384, 35), (1024, 17), (1536, 8)]),
    ("inception_resnet_v1", {}, [(192, 71), (256, 35), (896, 17), (1792, 8)]),
    ("inception_resnet_v2", {"as_printed": True}, [(192, 71), (384, 35), (1152, 17), (2144, 8)]),
    ("inception_resnet_v2", {}, [(192, 71), (320, 35), (1088, 17), (1536, 8)]),
]


def meta(name: str, **options) -> nn.Module:
    with torch.device("meta"):
        return cs.create_model(name, **options)


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def label(row) -> str:
    return "-".join([row[0], *row[1]])


@pytest.mark.parametrize("row", TABLE, ids=label)
def test_counts(row):
    name, options, thousand, ten, ten_gray, macs, convolutions, norms, field = row
    side = SIDE.get(name, 299)
    network = meta(name, **options)
    table = cs.summary(network, (3, side, side))
    assert (table.parameters, table.macs, table.receptive_field) == (thousand, macs, field)
    assert parameters(meta(name, num_classes=10, **options)) == ten
    assert parameters(meta(name, num_classes=10, in_channels=1, **options)) == ten_gray
    assert sum(row.type == "Conv2d" for row in table.layers) == convolutions
    assert sum(row.parameters for row in table.layers if row.type == "BatchNorm2d") == norms
    eps = {m.eps for m in network.modules() if isinstance(m, nn.BatchNorm2d)}
    assert eps == {1e-5 if name == "bn_inception" else 1e-3}


@pytest.mark.parametrize("row", STAGES, ids=label)
def test_stages_are_modules_with_these_channels_and_strides(row):
    name, options, expected = row
    network, side = meta(name, **options), SIDE.get(name, 299)
    seen = {}
    for path in network.stages:
        network.get_submodule(path).register_forward_hook(
            lambda module, inputs, output, path=path: seen.update({path: tuple(output.shape[1:])})
        )
    network(torch.empty(2, 3, side, side, device="meta"))
    assert list(seen) == list(network.stages)
    assert list(seen.values()) == [(channels, length, length) for channels, length in expected]
    assert list(network.stages.values()) == [(c, s) for (c, _), s in zip(expected, (4, 8, 16, 32), strict=True)]


def test_bn_inception_is_figure_5():
    rows = cs.summary(meta("bn_inception"), (3, 224, 224)).layers
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


def test_bn_inception_golden_row():
    # Figures of pytorchcv's `bninception` with these weights; the public Caffe weights load into that network.
    network, size = cs.create_model("bn_inception", caffe=True), (3, 224, 224)
    assert golden.fill(network, size) == 139
    first = (-0.5174696510207387, 0.18721534954855834, 0.3256464159731827, -1.0463537654306452)
    with torch.no_grad():
        golden.check(network(golden.image(size)), first, 12.928186419080365, 12.310151627807198, 601)
    assert golden.sensitivity(network, size) == pytest.approx(0.0146, rel=0.05)


def test_inception_resnet_v1_golden_row():
    # Figures of pytorchcv's `inceptionresnetv1` without its last block and its bottleneck, which the paper has not.
    network, size = cs.create_model("inception_resnet_v1", num_classes=2), (3, 123, 107)
    assert golden.fill(network, size) == 235
    network.classif = nn.Identity()
    first = (0.7612492681068674, 0.0, 1.074868515604298, 0.6575873026988827)
    with torch.no_grad():
        golden.check(network(golden.image(size)), first, 917.9157815992444, 29.98104671353, 1766)
    assert golden.sensitivity(network, size) == pytest.approx(0.1, rel=0.05)


@pytest.fixture(scope="module")
def v3() -> tuple[nn.Module, nn.Module]:
    """Ours and torchvision's, with its weights."""
    torch.manual_seed(0)
    return cs.create_model("inception_v3", num_classes=20), torchvision.models.inception_v3(
        num_classes=20, init_weights=True
    )


def test_v3_is_the_same_function_as_torchvision(v3):
    parity.assert_same(*v3, (3, 107, 91))


def test_v3_gives_the_same_in_training_as_torchvision(v3):
    ours, theirs = (network.double().train() for network in v3)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    images = torch.randn(2, 3, 299, 299, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    seen = []
    with torch.no_grad():
        for network in (ours, theirs):
            torch.manual_seed(1)
            seen.append(network(images))
    assert isinstance(seen[0], InceptionOutputs) and seen[0]._fields == seen[1]._fields
    for own, expected in zip(*seen, strict=True):
        assert float((expected[0] - expected[1]).norm() / expected.norm()) > 1e-2
        torch.testing.assert_close(own, expected, rtol=1e-9, atol=1e-10)
    buffers = dict(theirs.named_buffers())
    for name, buffer in ours.named_buffers():
        torch.testing.assert_close(buffer, buffers[name], rtol=1e-9, atol=1e-10)


def test_v3s_auxiliary_head_has_torchvisions_gradients(v3):
    ours, theirs = (network.AuxLogits.double().train() for network in v3)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    maps = torch.randn(3, 768, 19, 17, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    gradients = []
    for head in (ours, theirs):
        head.zero_grad()
        x = maps.clone().requires_grad_()
        F.cross_entropy(head(x), torch.tensor([1, 2, 3])).backward()
        gradients.append({"input": x.grad} | {name: p.grad for name, p in head.named_parameters()})
    assert float(gradients[0]["input"].abs().max()) > 1e-8
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], rtol=1e-6, atol=1e-12)


def test_v3s_loss_adds_four_tenths_of_the_head():
    torch.manual_seed(0)
    network = meta("inception_v3")
    logits, aux, labels = torch.randn(4, 6), torch.randn(4, 6), torch.tensor([0, 5, 2, 2])
    own, other = F.cross_entropy(logits, labels), F.cross_entropy(aux, labels)
    torch.testing.assert_close(network.loss(InceptionOutputs(logits, aux), labels), own + 0.4 * other)
    torch.testing.assert_close(network.loss(logits, labels), own)
    smooth = F.cross_entropy(logits, labels, label_smoothing=0.2)
    torch.testing.assert_close(network.loss(logits, labels, label_smoothing=0.2), smooth)


@pytest.mark.parametrize("length", [1, 4, 16, 17, 18, 30])
def test_v3s_auxiliary_pool_is_the_papers_where_it_can_be(length):
    maps, pooled = torch.randn(1, 2, length, 20), None
    pooled = AuxiliaryPool(5, larger=True)(maps)
    if length >= 17:
        torch.testing.assert_close(pooled, F.avg_pool2d(maps, 5, 3))
    else:
        assert pooled.shape == (1, 2, 5, 5)


@pytest.mark.parametrize(("name", "size"), [("inception_v4", (3, 107, 79)), ("inception_resnet_v2", (3, 77, 107))])
def test_same_function_as_timm(name, size):
    torch.manual_seed(0)
    # Ours without weights, since it gets theirs.
    ours, theirs = meta(name, num_classes=20).to_empty(device="cpu"), timm.create_model(name, num_classes=20)
    parity.assert_same(ours, theirs, size)
    parity.assert_same_statistics(ours, theirs, size)


def blocks(network: nn.Module) -> list[int]:
    kinds = [type(m) for m in network.modules()]
    return [kinds.count(kind) for kind in (Block35, Block17, Block8)]


def test_numbers_of_blocks():
    assert blocks(meta("inception_resnet_v1")) == [5, 10, 5]
    assert blocks(meta("inception_resnet_v2", as_printed=True)) == [5, 10, 5]
    assert blocks(meta("inception_resnet_v2")) == [10, 20, 10]
    kinds = [type(m).__name__ for m in meta("inception_v4").features]
    assert [kinds.count(f"Inception{kind}") for kind in "ABC"] == [4, 7, 3]


@pytest.mark.parametrize(
    ("block", "scale"),
    [
        (Block35(320, (32, 48, 64)), 0.17),
        (Block17(40, (192, 128, 160, 192)), 0.1),
        (Block8(48, (192, 192, 224, 256)), 0.2),
        (Block8(48, (192, 192, 224, 256), scale=1.0, rectify=False), 1.0),
    ],
)
def test_residual_is_scaled_and_added(block, scale):
    torch.manual_seed(0)
    block = block.double().eval()
    channels = block.conv2d.out_channels
    x = torch.randn(2, channels, 5, 6, dtype=torch.float64)

    def conv_bn_relu(layer: nn.Module, maps: Tensor) -> Tensor:
        k = layer.conv.kernel_size
        maps = F.conv2d(maps, layer.conv.weight, padding=(k[0] // 2, k[1] // 2))
        bn = layer.bn
        return F.relu(F.batch_norm(maps, bn.running_mean, bn.running_var, bn.weight, bn.bias, eps=1e-3))

    parts = [conv_bn_relu(block.branch0, x)]
    for chain in [block.branch1] + ([block.branch2] if hasattr(block, "branch2") else []):
        maps = x
        for layer in chain:
            maps = conv_bn_relu(layer, maps)
        parts.append(maps)
    total = x + scale * F.conv2d(torch.cat(parts, 1), block.conv2d.weight, block.conv2d.bias)
    expected = total if scale == 1.0 else F.relu(total)
    torch.testing.assert_close(block(x), expected, rtol=1e-10, atol=1e-12)
    assert (expected < 0).any() if scale == 1.0 else (expected >= 0).all()


def test_the_printed_v2_has_the_stem_of_v4():
    torch.manual_seed(0)
    children = list(meta("inception_resnet_v2", as_printed=True).children())
    stem, theirs = (
        layers.to_empty(device="cpu").eval()
        for layers in (nn.Sequential(*children[:6]), meta("inception_v4").features[:6])
    )
    for module in theirs.modules():
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d):
            module.reset_parameters()
    stem.load_state_dict(theirs.state_dict(), strict=True)
    images = torch.randn(1, 3, 91, 84)
    torch.testing.assert_close(stem(images), theirs(images))
    assert stem(images).shape == (1, 384, 9, 8)
    assert children[6][0].conv2d.out_channels == 384


CONTRACT = [
    ("bn_inception", {}), ("bn_inception", {"caffe": True}), ("inception_v3", {}), ("inception_v4", {}),
    ("inception_resnet_v1", {}), ("inception_resnet_v2", {"as_printed": True}), ("inception_resnet_v2", {}),
]  # fmt: skip


@pytest.mark.parametrize("row", CONTRACT, ids=label)
def test_contract(row):
    name, options = row
    torch.manual_seed(0)
    network = cs.create_model(name, num_classes=7, in_channels=1, **options)
    images = torch.randn(2, 1, 111, 123)
    outputs = network(images)
    getattr(network, "loss", F.cross_entropy)(outputs, torch.arange(2)).backward()
    for path, parameter in network.named_parameters():
        idle = options.get("caffe") and path.endswith("conv.bias")  # batch norm takes it away again
        assert parameter.grad is not None and parameter.grad.isfinite().all(), path
        assert idle or parameter.grad.any(), path
    with torch.no_grad():
        logits = network.eval()(images)
        assert logits.shape == (2, 7) and logits.isfinite().all()
        torch.testing.assert_close(network(images[:1]), logits[:1], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "said", "least"),
    [
        ("bn_inception", "bn_inception", 7),
        ("inception_v3", "inception_v3", 75),
        ("inception_v4", "inception_v4", 75),
        ("inception_resnet_v1", "Inception-ResNet", 75),
        ("inception_resnet_v2", "Inception-ResNet", 75),
    ],
)
def test_the_smallest_image(name, said, least, monkeypatch):
    network = meta(name, num_classes=3).eval()
    assert network(torch.empty(1, 3, least, least + 1, device="meta")).shape == (1, 3)
    below = torch.empty(1, 3, least - 1, 90, device="meta")
    with pytest.raises(
        ValueError, match=rf"^{said} takes images of at least {least} x {least}; got 1 x 3 x {least - 1} x 90$"
    ):
        network(below)
    # The limit is the network's own, not a choice: without the check a layer fails.
    monkeypatch.setattr(sys.modules[type(network).__module__], "require_at_least", lambda *_: None)
    with pytest.raises(RuntimeError, match=r"too small|can't be greater"):
        network(below)


def test_initialisation():
    torch.manual_seed(0)
    v3 = cs.create_model("inception_v3")
    for layer, deviation in (
        (v3.Mixed_6b.branch7x7_2.conv, 0.1),
        (v3.fc, 0.1),
        (v3.AuxLogits.conv1.conv, 0.01),
        (v3.AuxLogits.fc, 0.001),
    ):
        weight = layer.weight.detach()
        assert 1.9 * deviation < float(weight.abs().max()) <= 2 * deviation
        assert float(weight.std()) == pytest.approx(0.8796 * deviation, rel=0.02)
    v1 = cs.create_model("inception_resnet_v1", num_classes=2)
    for layer in (v1.mixed_6a.branch0.conv, v1.repeat_1[0].branch1[2].conv, v1.repeat_2[0].conv2d):
        assert float(layer.weight.detach().std()) == pytest.approx((2 / layer.weight[0].numel()) ** 0.5, rel=0.02)
    assert not v1.repeat_2[0].conv2d.bias.any()


def test_dropout_is_the_papers():
    assert meta("inception_v3").dropout.p == 0.5
    assert meta("inception_v4").head_drop.p == meta("inception_resnet_v2").head_drop.p == 0.2
    assert not any(isinstance(m, nn.Dropout) for m in meta("bn_inception").modules())


def test_a_backbone_leaves_the_head_behind():
    backbone = Backbone(meta("inception_v3"), ["Mixed_5d", "Mixed_6e"]).train()
    maps = backbone(torch.empty(2, 3, 107, 91, device="meta"))
    assert [tuple(found.shape) for found in maps.values()] == [(2, 288, 11, 9), (2, 768, 5, 4)]
    assert not any("AuxLogits" in name or "Mixed_7a" in name for name, _ in backbone.named_parameters())
