"""The Inception-ResNets, against the paper's figures, timm and golden rows."""

from __future__ import annotations

import pytest
import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import convscope as cs
from convscope.models.inception_resnet import Block8, Block17, Block35

from . import golden, parity
from .checks import check_counts, check_smallest_image, check_stages, check_training_step, on_meta


@pytest.mark.parametrize(
    ("name", "options", "counts", "macs", "convolutions", "norms", "field"),
    [
        ("inception_resnet_v1", {}, (22_756_328, 20_981_258, 20_980_682), 6_206_361_696, 127, 27_040, 1567),
        ("inception_resnet_v2", {"as_printed": True}, (32_433_928, 30_310_378, 30_309_802),
         9_257_953_632, 132, 32_864, 1591),
        ("inception_resnet_v2", {}, (55_843_464, 54_321_834, 54_321_258), 13_155_794_016, 244, 60_544, 3039),
    ],
)  # fmt: skip
def test_counts(name, options, counts, macs, convolutions, norms, field):
    check_counts(name, options, 299, counts, macs, field, convolutions, norms)
    eps = {m.eps for m in on_meta(name, **options).modules() if isinstance(m, nn.BatchNorm2d)}
    assert eps == {1e-3}


@pytest.mark.parametrize(
    ("name", "options", "maps"),
    [
        ("inception_resnet_v1", {}, [(192, 71), (256, 35), (896, 17), (1792, 8)]),
        ("inception_resnet_v2", {"as_printed": True}, [(192, 71), (384, 35), (1152, 17), (2144, 8)]),
        ("inception_resnet_v2", {}, [(192, 71), (320, 35), (1088, 17), (1536, 8)]),
    ],
)
def test_stages(name, options, maps):
    network = on_meta(name, **options)
    check_stages(network, (3, 299, 299), maps)
    assert [stride for _, stride in network.stages.values()] == [4, 8, 16, 32]


@pytest.mark.slow
def test_same_function_as_timm_of_v2():
    torch.manual_seed(0)
    # Ours without weights, since it gets theirs.
    ours, theirs = (
        on_meta("inception_resnet_v2", num_classes=20).to_empty(device="cpu"),
        timm.create_model("inception_resnet_v2", num_classes=20),
    )
    parity.assert_same(ours, theirs, (3, 77, 107))
    parity.assert_same_statistics(ours, theirs, (3, 77, 107))


def test_golden_row_of_v1():
    # Figures of pytorchcv's `inceptionresnetv1` without its last block and its bottleneck, which the paper has not.
    network, size = cs.create_model("inception_resnet_v1", num_classes=2), (3, 123, 107)
    assert golden.fill(network, size) == 235
    network.classif = nn.Identity()
    first = (0.7612492681068674, 0.0, 1.074868515604298, 0.6575873026988827)
    with torch.no_grad():
        golden.check(network(golden.image(size)), first, 917.9157815992444, 29.98104671353, 1766)
    assert golden.sensitivity(network, size) == pytest.approx(0.1, rel=0.05)


def blocks(network: nn.Module) -> list[int]:
    kinds = [type(m) for m in network.modules()]
    return [kinds.count(kind) for kind in (Block35, Block17, Block8)]


def test_numbers_of_blocks():
    assert blocks(on_meta("inception_resnet_v1")) == [5, 10, 5]
    assert blocks(on_meta("inception_resnet_v2", as_printed=True)) == [5, 10, 5]
    assert blocks(on_meta("inception_resnet_v2")) == [10, 20, 10]


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
    children = list(on_meta("inception_resnet_v2", as_printed=True).children())
    stem, theirs = (
        layers.to_empty(device="cpu").eval()
        for layers in (nn.Sequential(*children[:6]), on_meta("inception_v4").features[:6])
    )
    for module in theirs.modules():
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d):
            module.reset_parameters()
    stem.load_state_dict(theirs.state_dict(), strict=True)
    images = torch.randn(1, 3, 91, 84)
    torch.testing.assert_close(stem(images), theirs(images))
    assert stem(images).shape == (1, 384, 9, 8)
    assert children[6][0].conv2d.out_channels == 384


@pytest.mark.parametrize(
    ("name", "options"),
    [("inception_resnet_v1", {}), ("inception_resnet_v2", {"as_printed": True}), ("inception_resnet_v2", {})],
)
def test_a_step_of_training(name, options):
    torch.manual_seed(0)
    check_training_step(cs.create_model(name, num_classes=7, in_channels=1, **options), torch.randn(2, 1, 111, 123))


@pytest.mark.parametrize("name", ["inception_resnet_v1", "inception_resnet_v2"])
def test_the_smallest_image(name, monkeypatch):
    check_smallest_image(on_meta(name, num_classes=3), "Inception-ResNet", 75, monkeypatch)


def test_initialisation():
    torch.manual_seed(0)
    v1 = cs.create_model("inception_resnet_v1", num_classes=2)
    for layer in (v1.mixed_6a.branch0.conv, v1.repeat_1[0].branch1[2].conv, v1.repeat_2[0].conv2d):
        assert float(layer.weight.detach().std()) == pytest.approx((2 / layer.weight[0].numel()) ** 0.5, rel=0.02)
    assert not v1.repeat_2[0].conv2d.bias.any()


def test_dropout_is_the_papers():
    assert on_meta("inception_resnet_v2").head_drop.p == 0.2
