"""EfficientNet-B0 to B7, against their specification and torchvision."""

from __future__ import annotations

import time

import pytest
import timm
import torch
import torch.nn.functional as F
import torchvision.models as tv
from torch import nn

import convscope as cs
from convscope.models import efficientnet
from convscope.models.efficientnet import CARDS, MBConv, Stage, StochasticDepth, rounded
from convscope.models.tools.backbone import Backbone
from convscope.models.tools.shapes import shapes_only

from . import parity

CARD = {card.name: card for card in CARDS}

# name, side, parameters with 1000 classes, with 10, with 10 and 1 channel; the catalogue's test has the rest
TABLE = [
    ("efficientnet_b0", 224, 5_288_548, 4_020_358, 4_019_782),
    ("efficientnet_b1", 240, 7_794_184, 6_525_994, 6_525_418),
    ("efficientnet_b2", 260, 9_109_994, 7_715_084, 7_714_508),
    ("efficientnet_b3", 300, 12_233_232, 10_711_602, 10_710_882),
    ("efficientnet_b4", 380, 19_341_616, 17_566_546, 17_565_682),
    ("efficientnet_b5", 456, 30_389_784, 28_361_274, 28_360_410),
    ("efficientnet_b6", 528, 43_040_704, 40_758_754, 40_757_746),
    ("efficientnet_b7", 600, 66_347_960, 63_812_570, 63_811_418),
]
# stem, channels and repeats of the stages, head, dropout
SCALED = {
    "efficientnet_b0": (32, (16, 24, 40, 80, 112, 192, 320), (1, 2, 2, 3, 3, 4, 1), 1280, 0.2),
    "efficientnet_b1": (32, (16, 24, 40, 80, 112, 192, 320), (2, 3, 3, 4, 4, 5, 2), 1280, 0.2),
    "efficientnet_b2": (32, (16, 24, 48, 88, 120, 208, 352), (2, 3, 3, 4, 4, 5, 2), 1408, 0.3),
    "efficientnet_b3": (40, (24, 32, 48, 96, 136, 232, 384), (2, 3, 3, 5, 5, 6, 2), 1536, 0.3),
    "efficientnet_b4": (48, (24, 32, 56, 112, 160, 272, 448), (2, 4, 4, 6, 6, 8, 2), 1792, 0.4),
    "efficientnet_b5": (48, (24, 40, 64, 128, 176, 304, 512), (3, 5, 5, 7, 7, 9, 3), 2048, 0.4),
    "efficientnet_b6": (56, (32, 40, 72, 144, 200, 344, 576), (3, 6, 6, 8, 8, 11, 3), 2304, 0.5),
    "efficientnet_b7": (64, (32, 48, 80, 160, 224, 384, 640), (4, 7, 7, 10, 10, 13, 4), 2560, 0.5),
}


def build(name: str, **arguments: int) -> nn.Module:
    with shapes_only():
        return CARD[name].build(**arguments)


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_counts(row):
    name, side, with_1000, with_10, with_1_channel = row
    assert CARD[name].input_size == (3, side, side)
    assert parameters(build(name)) == with_1000
    assert parameters(build(name, num_classes=10)) == with_10
    assert parameters(build(name, num_classes=10, in_channels=1)) == with_1_channel


@pytest.mark.parametrize("name", SCALED)
def test_scaling_gives_the_published_widths_and_depths(name):
    stem, channels, repeats, head, dropout = SCALED[name]
    network = build(name)
    layers = list(network.features)
    assert layers[0][0].out_channels == stem
    assert [len(stage) for stage in layers[1:-1]] == list(repeats)
    assert [stage[-1].block[-1][0].out_channels for stage in layers[1:-1]] == list(channels)
    assert (layers[-1][0].out_channels, network.classifier[1].in_features) == (head, head)
    assert network.classifier[0].p == dropout
    rates = [block.stochastic_depth.rate for stage in layers[1:-1] for block in stage]
    expected = [0.2 * i / sum(repeats) for i in range(sum(repeats))]
    residual = [block.residual for stage in layers[1:-1] for block in stage]
    assert rates == pytest.approx([rate if kept else 0 for rate, kept in zip(expected, residual, strict=True)])


def test_rounding_never_loses_more_than_a_tenth():
    assert [rounded(c) for c in (32, 35.2, 44.8, 17.6, 26.4, 3, 12, 11.9)] == [32, 32, 48, 16, 24, 8, 16, 16]
    assert all(0.9 * c <= rounded(c) and rounded(c) % 8 == 0 for c in range(8, 2000))


@pytest.mark.parametrize("name", ["efficientnet_b0", "efficientnet_b3"])
def test_stages_are_modules_with_these_channels_and_strides(name):
    network = build(name)
    seen = {}
    for path in network.stages:
        network.get_submodule(path).register_forward_hook(
            lambda module, inputs, output, path=path: seen.update({path: tuple(output.shape[1:])})
        )
    network(torch.empty(1, 3, 256, 256, device="meta"))
    assert seen == {path: (maps, 256 // s, 256 // s) for path, (maps, s) in network.stages.items()}
    assert list(seen) == list(network.stages)
    assert [s for _, s in network.stages.values()] == [2, 4, 8, 16, 32]


def test_shapes_of_b0_are_table_1s():
    table = cs.summary(build("efficientnet_b0"), (3, 224, 224))
    shapes = {row.name: row.output_shape for row in table.layers}
    expected = {"features.0.2": (32, 112, 112), "features.8.2": (1280, 7, 7), "avgpool": (1280, 1, 1)}
    sides = ((16, 112), (24, 56), (40, 28), (80, 14), (112, 14), (192, 7), (320, 7))
    for number, (maps, side) in enumerate(sides, 1):
        expected[f"features.{number}.0.block.{2 if number == 1 else 3}.1"] = (maps, side, side)
    assert {name: shapes[name] for name in expected} == expected


@pytest.mark.parametrize("name", CARD)
def test_parameters_and_geometry_are_torchvisions(name):
    with shapes_only():
        theirs = getattr(tv, name)()
    ours = build(name)
    assert {k: v.shape for k, v in ours.state_dict().items()} == {k: v.shape for k, v in theirs.state_dict().items()}
    modules = dict(theirs.named_modules())
    for path, module in ours.named_modules():
        if isinstance(module, nn.Conv2d):
            fields = ("stride", "padding", "groups", "kernel_size", "dilation", "padding_mode")
        elif isinstance(module, nn.BatchNorm2d):
            fields = ("eps", "momentum")
        elif isinstance(module, nn.Dropout):
            fields = ("p",)
        elif isinstance(module, MBConv) and module.residual:
            assert module.stochastic_depth.rate == pytest.approx(modules[path].stochastic_depth.p)
            fields = ()
        else:
            continue
        assert all(getattr(module, f) == getattr(modules[path], f) for f in fields), path


# The larger ones have the same geometry as torchvision's, which the test above shows in no time.
@pytest.mark.parametrize(
    ("name", "size"),
    [("efficientnet_b0", (3, 97, 70)), *(pytest.param(f"efficientnet_b{number}", size, marks=pytest.mark.slow)
     for number, size in enumerate([(3, 65, 65), (3, 65, 65), (3, 65, 65), (3, 49, 65), (3, 65, 49)], 1))],
)  # fmt: skip
def test_same_function_as_torchvision(name, size):
    torch.manual_seed(0)
    ours, theirs = CARD[name].build(), getattr(tv, name)()
    parity.assert_same(ours, theirs, size)
    parity.assert_same_statistics(ours, theirs, size)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["efficientnet_b6", "efficientnet_b7"])
def test_same_outputs_as_torchvision(name):
    # The two largest in single precision and forwards only: with the same geometry as above, and less memory.
    torch.manual_seed(0)
    ours, theirs = CARD[name].build(), getattr(tv, name)()
    parity.calibrate(theirs, torch.randn(4, 3, 65, 65))
    ours.load_state_dict(theirs.state_dict(), strict=True)
    images = torch.randn(2, 3, 65, 65)
    with torch.no_grad():
        expected = theirs.eval()(images)
        assert float((expected[0] - expected[1]).norm() / expected[0].norm()) > 1e-2
        torch.testing.assert_close(ours.eval()(images), expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))


def test_same_function_as_timm_in_order():
    torch.manual_seed(0)
    ours, theirs = CARD["efficientnet_b0"].build().double(), timm.create_model("efficientnet_b0").double()
    parity.calibrate(theirs, torch.randn(4, 3, 97, 70, dtype=torch.float64))
    pairs = zip(ours.state_dict(), theirs.state_dict().values(), strict=True)
    ours.load_state_dict(dict(pairs), strict=True)
    images = torch.randn(2, 3, 97, 70, dtype=torch.float64)
    with torch.no_grad():
        expected = theirs.eval()(images)
        assert float((expected[0] - expected[1]).norm() / expected[0].norm()) > 1e-2
        torch.testing.assert_close(ours.eval()(images), expected, rtol=1e-9, atol=1e-10)


def test_b7_is_built_and_counted_in_about_a_second_and_runs():
    start = time.process_time()  # not the time of day: the machine may be busy
    table = cs.summary(build("efficientnet_b7"), (3, 600, 600))
    assert time.process_time() - start < 5
    assert table.parameters == 66_347_960
    network = CARD["efficientnet_b7"].build().eval()
    with torch.no_grad():
        logits = network(torch.randn(1, 3, 600, 600))
    assert logits.shape == (1, 1000) and logits.isfinite().all()


def test_stochastic_depth_drops_whole_images_and_keeps_the_mean():
    torch.manual_seed(0)
    layer = StochasticDepth(0.25)
    maps = torch.rand(4000, 2, 3, 3) + 1
    ratio = (layer(maps) / maps).flatten(1)
    torch.testing.assert_close(ratio, ratio[:, :1].expand_as(ratio))
    values = ratio[:, 0]
    assert set(values.mul(3).round().int().tolist()) == {0, 4}  # dropped, or scaled by 1 / 0.75
    assert float((values == 0).float().mean()) == pytest.approx(0.25, abs=0.03)
    assert float(values.mean()) == pytest.approx(1, abs=0.04)
    assert layer.eval()(maps) is maps


def test_a_block_that_is_left_out_is_its_shortcut():
    torch.manual_seed(0)
    block = MBConv(Stage(6, 3, 1, 16, 1), 16, 16, 1, 0.5).train()
    maps = torch.randn(64, 16, 5, 5)
    unchanged = (block(maps) == maps).flatten(1).all(1)
    assert 10 < int(unchanged.sum()) < 54
    assert not MBConv(Stage(6, 3, 1, 24, 1), 16, 24, 1, 0.5).residual
    assert not MBConv(Stage(6, 3, 2, 16, 1), 16, 16, 2, 0.5).residual


@pytest.mark.parametrize("size", [(32, 32), (1, 1), (75, 33)])
def test_takes_any_size(size):
    assert CARD["efficientnet_b0"].build(num_classes=7, in_channels=1).eval()(torch.randn(1, 1, *size)).shape == (1, 7)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_training_step_reaches_every_parameter(channels):
    torch.manual_seed(0)
    network = CARD["efficientnet_b0"].build(num_classes=7, in_channels=channels)
    for module in network.modules():
        if isinstance(module, StochasticDepth):
            module.rate = 0.0  # an image that skips a block gives it no gradient
    logits = network(torch.randn(2, channels, 64, 64))
    assert logits.shape == (2, 7) and logits.isfinite().all()
    F.cross_entropy(logits, torch.tensor([1, 5])).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_initialised_as_torchvision_does():
    torch.manual_seed(0)
    network = CARD["efficientnet_b0"].build()
    head, depthwise = network.features[8][0].weight.detach(), network.features[7][0].block[1][0].weight.detach()
    assert float(head.std()) == pytest.approx((2 / 1280) ** 0.5, rel=0.02)
    # Fan-out counts the filters of all groups, as torch does: 1152 maps of 3 x 3.
    assert float(depthwise.std()) == pytest.approx((2 / (1152 * 9)) ** 0.5, rel=0.05)
    bound = 1 / 1000**0.5
    assert 0.99 * bound < float(network.classifier[1].weight.detach().abs().max()) <= bound
    biases = [p for n, p in network.named_parameters() if n.endswith("bias")]
    assert all(float(p.detach().abs().max()) == 0 for p in biases)


def test_carries_a_feature_pyramid_and_still_skips_blocks():
    torch.manual_seed(0)
    backbone = Backbone(CARD["efficientnet_b0"].build(), ["features.3", "features.5", "features.7"], pyramid=8)
    images = torch.randn(2, 3, 64, 96)
    maps = backbone(images)
    assert [tuple(m.shape[1:]) for m in maps.values()] == [(8, 8, 12), (8, 4, 6), (8, 2, 3)]
    sum(m.square().sum() for m in maps.values()).backward()
    assert next(backbone.parameters()).grad.any()
    norms = [m for m in backbone.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        norm.eval()  # what is left to chance is the skipping
    with torch.no_grad():
        first, second = (backbone(images)["features.7"] for _ in range(2))
        assert not torch.equal(first, second)
        backbone.eval()
        torch.testing.assert_close(backbone(images)["features.7"], backbone(images)["features.7"], rtol=0, atol=0)


def test_no_activation_works_in_place_or_twice():
    network = build("efficientnet_b1")
    calls: list[nn.Module] = []
    for module in network.modules():
        if not list(module.children()):
            module.register_forward_hook(lambda module, inputs, output: calls.append(module))
    network(torch.empty(1, 3, 64, 64, device="meta"))
    assert len(calls) == len(set(calls))
    assert not any(getattr(m, "inplace", False) for m in calls)


def test_the_variants_are_module_functions():
    assert all(getattr(efficientnet, name) is card.build for name, card in CARD.items())
