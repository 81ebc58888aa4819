"""The VGGs, against their specification and torchvision."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import pytest
import torch
import torchvision
from torch import Tensor, nn

import convscope as cs
from convscope.models import vgg

from . import golden, parity
from .checks import check_parameters, on_meta

SIZE = (3, 224, 224)

# name, parameters for 1000 classes, for 10, for 10 and one channel; the catalogue's test has the rest
MASTER = [
    ("vgg11", 132_863_336, 128_807_306, 128_806_154),
    ("vgg11_bn", 132_868_840, 128_812_810, 128_811_658),
    ("vgg11_lrn", 132_863_336, 128_807_306, 128_806_154),
    ("vgg13", 133_047_848, 128_991_818, 128_990_666),
    ("vgg13_bn", 133_053_736, 128_997_706, 128_996_554),
    ("vgg16_c", 133_638_952, 129_582_922, 129_581_770),
    ("vgg16", 138_357_544, 134_301_514, 134_300_362),
    ("vgg16_bn", 138_365_992, 134_309_962, 134_308_810),
    ("vgg19", 143_667_240, 139_611_210, 139_610_058),
    ("vgg19_bn", 143_678_248, 139_622_218, 139_621_066),
]
TORCHVISION = [name for name, *_ in MASTER if name not in ("vgg11_lrn", "vgg16_c")]


def narrow(network: nn.Module) -> nn.Module:
    """32 instead of 4096 units in the hidden linear layers: what is to be compared, at a fraction of the memory."""
    for place, (inputs, outputs) in {0: (512 * 49, 32), 3: (32, 32), 6: (32, 7)}.items():
        network.classifier[place] = nn.Linear(inputs, outputs)
    return network


@pytest.mark.parametrize("row", MASTER, ids=lambda row: row[0])
def test_counts(row):
    name, *counts = row
    check_parameters(name, {}, tuple(counts))


def test_counts_of_the_table_with_batch_norm():
    with torch.device("meta"):
        for row, parameters in ((vgg.A_LRN, 132_868_840), (vgg.C, 133_647_400)):
            network = vgg.VGG(replace(row, batch_norm=True))
            assert sum(p.numel() for p in network.parameters()) == parameters


def test_tutorial_form_of_vgg16():
    table = cs.summary(on_meta("vgg16", num_classes=10, in_channels=1), (1, 224, 224))
    assert (table.parameters, table.macs) == (134_300_362, 15_408_406_528)


def test_vgg16_layer_table():
    rows = [row for row in cs.summary(on_meta("vgg16"), SIZE).layers if row.type in ("Conv2d", "MaxPool2d", "Linear")]
    convolutions = [row for row in rows if row.type == "Conv2d"]
    assert [row.parameters for row in rows if row.type != "MaxPool2d"] == [
        1_792, 36_928, 73_856, 147_584, 295_168, 590_080, 590_080, 1_180_160, 2_359_808, 2_359_808,
        2_359_808, 2_359_808, 2_359_808, 102_764_544, 16_781_312, 4_097_000,
    ]  # fmt: skip
    # conv1_2, conv2_2, conv3_3, conv4_3, conv5_3, pool5
    assert [convolutions[i].receptive_field for i in (1, 3, 6, 9, 12)] == [5, 14, 40, 92, 196]
    pools = [row for row in rows if row.type == "MaxPool2d"]
    assert pools[-1].receptive_field == 212
    assert [row.output_shape for row in pools] == [
        (64, 112, 112), (128, 56, 56), (256, 28, 28), (512, 14, 14), (512, 7, 7),
    ]  # fmt: skip


@pytest.mark.parametrize("name", [name for name, *_ in MASTER])
def test_stages(name):
    network = on_meta(name)
    rows = {row.name: row for row in cs.summary(network, SIZE).layers}
    found = [(*rows[path].output_shape, stride) for path, (_, stride) in network.stages.items()]
    assert found == [
        (64, 224, 224, 1), (128, 112, 112, 2), (256, 56, 56, 4), (512, 28, 28, 8), (512, 14, 14, 16), (512, 7, 7, 32),
    ]  # fmt: skip
    assert [maps for maps, _ in network.stages.values()] == [64, 128, 256, 512, 512, 512]
    # A block's last map is rectified (and normalised in A-LRN) and not pooled yet.
    first, *others, last = (rows[path].type for path in network.stages)
    assert first == ("LocalResponseNorm" if name == "vgg11_lrn" else "ReLU")
    assert others == ["ReLU"] * 4 and last == "MaxPool2d"


# name, amplitude, layers, first outputs, sum, norm, argmax, sensitivity
ROWS = [
    ("vgg11_lrn", 128, 11, (36.6133165, -32.09732887, -81.28671569, -3.824136545), 1039.105143, 3539.455498, 430, 0.1),
    ("vgg16_c", 1, 16, (-2.384856078, -1.21481552, 3.397133076, -1.269975708), 134.2343005, 69.19069239, 502, 0.11),
]


@pytest.mark.slow  # 134 million weights each; the counts and the layer tables are checked always
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_golden_rows(row):
    name, amplitude, layers, first, total, norm, best, sensitivity = row
    network = on_meta(name).to_empty(device="cpu")
    order = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert golden.fill(network, SIZE, order=order) == layers
    with torch.no_grad():
        golden.check(network(golden.image(SIZE, amplitude)), first, total, norm, best)
    assert golden.sensitivity(network, SIZE, amplitude) == pytest.approx(sensitivity, rel=0.05)


# --------------------------------------------------------------------------------------------------- torchvision


@pytest.mark.parametrize("name", ["vgg11", "vgg11_bn"])
def test_is_torchvisions_with_gradients(name):
    torch.manual_seed(0)
    ours = narrow(cs.create_model(name, num_classes=7))
    with torch.device("meta"):
        theirs = torchvision.models.get_model(name, num_classes=7)
    theirs = narrow(theirs.to_empty(device="cpu"))
    theirs.load_state_dict(drawn(theirs))
    parity.assert_same(ours, theirs, (3, 75, 67))
    if name.endswith("_bn"):
        parity.assert_same_statistics(ours, theirs, (3, 75, 67))


def drawn(network: nn.Module) -> dict[str, Tensor]:
    """Weights that keep the scale of the signal, biases that are not zero, no batch norm like another."""
    generator = torch.Generator().manual_seed(3)
    state = {}
    for key, tensor in network.state_dict().items():
        if tensor.ndim > 1:
            value = torch.randn(tensor.shape, generator=generator) * sqrt(2 / tensor[0].numel())
        elif key.endswith(("running_mean", "bias")):
            value = 0.1 * torch.randn(tensor.shape, generator=generator)
        else:
            value = torch.rand(tensor.shape, generator=generator) + 0.5
        state[key] = value.to(tensor.dtype)
    return state


@pytest.fixture(scope="module")
def linear_layers() -> dict[str, Tensor]:
    """Full-size weights of the classifier, made once: they are nine tenths of every VGG."""
    state = on_meta("vgg11").classifier.state_dict(prefix="classifier.")
    return {key: 0.02 * torch.randn(value.shape) for key, value in state.items()}


@pytest.mark.parametrize("name", TORCHVISION)
def test_takes_torchvisions_weights_at_full_width(name, linear_layers):
    with torch.device("meta"):
        theirs = torchvision.models.get_model(name).eval()
    features = {f"features.{key}": value for key, value in drawn(theirs.features).items()}
    theirs.load_state_dict(features | linear_layers, strict=True, assign=True)
    generator = torch.Generator().manual_seed(0)
    images, other = torch.randn(2, 2, 3, 69, 64, generator=generator)
    parity.calibrate(theirs, images)
    ours = on_meta(name).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True, assign=True)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    with torch.no_grad():
        expected = theirs(images)
        torch.testing.assert_close(ours(images), expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))
        assert float((expected - theirs(other)).norm() / expected.norm()) > 1e-2, "the comparison would be blind"


# ------------------------------------------------------------------------------------------ a tutorial's names


def typed_vgg16(classes: int = 10, channels: int = 1) -> nn.Module:
    """VGG-16 as study notes type it: six blocks, one channel, ten classes, no dropout; 32 hidden units."""
    network = nn.Module()
    for block, widths in enumerate(((64, 64), (128, 128), (256,) * 3, (512,) * 3, (512,) * 3), 1):
        layers: list[nn.Module] = []
        for width in widths:
            layers += [nn.Conv2d(channels, width, kernel_size=3, padding=1), nn.ReLU()]
            channels = width
        setattr(network, f"block{block}", nn.Sequential(*layers, nn.MaxPool2d(kernel_size=2, stride=2)))
    network.block6 = nn.Sequential(
        nn.Flatten(), nn.Linear(7 * 7 * 512, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, classes)
    )
    return network


def narrow_vgg16(name: str = "vgg16", classes: int = 10) -> nn.Module:
    network = narrow(on_meta(name, num_classes=classes, in_channels=1))
    network.classifier[6] = nn.Linear(32, classes)
    return network.to_empty(device="cpu").eval()


def test_takes_the_names_of_a_tutorial():
    torch.manual_seed(0)
    typed, ours = typed_vgg16(), narrow_vgg16()
    ours.load_state_dict(typed.state_dict(), strict=True)
    images = torch.randn(1, 1, 224, 224)
    maps = images
    with torch.no_grad():
        for block in range(1, 7):
            maps = getattr(typed, f"block{block}")(maps)
        torch.testing.assert_close(ours(images), maps, rtol=1e-4, atol=1e-6)
    # Also as a part of a larger network.
    outer = nn.ModuleDict({"body": narrow_vgg16()})
    outer.load_state_dict({f"body.{key}": value for key, value in typed.state_dict().items()}, strict=True)
    assert torch.equal(outer["body"].features[0].weight, typed.block1[0].weight)


def test_other_weights_under_such_names_are_refused_in_one_line():
    with torch.device("meta"):
        state = typed_vgg16().state_dict()
        missing = {key: value for key, value in state.items() if key != "block3.4.bias"}
        seven = typed_vgg16(classes=7).state_dict()
        colour = typed_vgg16(channels=3).state_dict()
    for name, weights, problem in (
        ("vgg16", missing, r"'block3.4.bias' is missing"),
        ("vgg16", state | {"block5.6.weight": state["block5.4.weight"]}, r"'block5.6.weight' has no counterpart in it"),
        ("vgg16", seven, r"'block6.5.weight' is 7 x 32, not 10 x 32 \(see num_classes, in_channels and img_size\)"),
        ("vgg16", colour, r"'block1.0.weight' is 64 x 3 x 3 x 3, not 64 x 1 x 3 x 3 .*"),
        ("vgg13", state, r"'block3.4.weight' has no counterpart in it"),
        ("vgg16_bn", state, r"'block1.2.weight' has no counterpart in it"),
    ):
        with pytest.raises(ValueError, match=f"^these weights do not fit VGG: {problem}$"):
            narrow_vgg16(name).load_state_dict(weights)


# --------------------------------------------------------------------------------------- sizes, gradients, options


@pytest.mark.parametrize("name", ["vgg11_lrn", "vgg16_c", "vgg13_bn"])
@pytest.mark.parametrize("channels", [1, 3])
def test_contract(name, channels):
    torch.manual_seed(0)
    network = narrow(on_meta(name, num_classes=7, in_channels=channels).to_empty(device="cpu"))
    network.load_state_dict(drawn(network))
    for batch, height, width in ((2, 32, 32), (1, 33, 70)):
        logits = network(torch.randn(batch, channels, height, width))
        assert logits.shape == (batch, 7) and logits.isfinite().all()
    network.zero_grad()
    nn.functional.cross_entropy(logits, torch.tensor([1])).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_small_images_are_refused_in_one_line():
    with pytest.raises(ValueError, match=r"^vgg takes images of at least 32 x 32; got 1 x 3 x 31 x 40$"):
        on_meta("vgg16")(torch.zeros(1, 3, 31, 40, device="meta"))


def test_dropout_sits_behind_the_hidden_linear_layers():
    network = on_meta("vgg16", dropout=0.3)
    types = [type(m).__name__ for m in network.classifier]
    assert types == ["Linear", "ReLU", "Dropout", "Linear", "ReLU", "Dropout", "Linear"]
    assert [m.p for m in network.classifier if isinstance(m, nn.Dropout)] == [0.3, 0.3]
    assert on_meta("vgg16").classifier[2].p == 0.5


def test_starts_with_glorots_distribution():
    torch.manual_seed(0)
    network = cs.create_model("vgg11", num_classes=10, in_channels=64)
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(layers) == 11
    for layer in layers:
        kernel = layer.weight[0, 0].numel()
        fans = (layer.weight.shape[0] + layer.weight.shape[1]) * kernel
        assert float(layer.weight.detach().std()) == pytest.approx(sqrt(2 / fans), rel=0.03)
        assert float(layer.weight.detach().abs().max()) <= sqrt(6 / fans)
        assert not layer.bias.any()


def test_the_row_is_no_option():
    with pytest.raises(cs.UsageError, match=r"^vgg16 has no option 'row'"):
        on_meta("vgg16", row=vgg.A)
