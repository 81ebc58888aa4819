"""Theoretical receptive fields: against the gradient, against published sizes, and the same whoever asks."""

from __future__ import annotations

from itertools import product

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

import convscope as cs
from convscope.insight import Box, activating_patches, field_of, measured_field, seen_by, trace
from convscope.insight.receptive_field import field_size
from convscope.models import CATALOGUE


class Function(nn.Module):
    """One function as a network."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def resized(*size, **options):
    return Function(lambda x: F.interpolate(x, size, **options) if size else F.interpolate(x, **options))


UNEVEN = {
    "transposed convolution": nn.ConvTranspose2d(2, 3, 3, 2, 1, output_padding=1),
    "transposed convolution with gaps": nn.ConvTranspose2d(2, 3, (2, 1), (2, 3)),
    "dilated transposed convolution": nn.ConvTranspose2d(2, 3, 3, 2, 1, dilation=2),
    "adaptive average pool": nn.AdaptiveAvgPool2d((4, 7)),
    "adaptive maximum pool": nn.AdaptiveMaxPool2d((3, 11)),
    "nearest up": resized(scale_factor=2.0),
    "nearest to a size": resized(16, 5),
    "nearest exact": resized(5, 17, mode="nearest-exact"),
    "bilinear up": resized(scale_factor=2.0, mode="bilinear"),
    "bilinear with a factor": resized(scale_factor=(1.3, 0.7), mode="bilinear"),
    "bilinear to a size": resized(6, 19, mode="bilinear"),
    "bilinear corners": resized(17, 6, mode="bilinear", align_corners=True),
    "bilinear antialiased": resized(4, 10, mode="bilinear", antialias=True),
    "bicubic": resized(20, 6, mode="bicubic"),
    "area": resized(4, 5, mode="area"),
}
EVEN = {
    "convolution": nn.Conv2d(2, 3, (3, 2), (2, 1), padding=(2, 0), dilation=(2, 1)),
    "same": nn.Conv2d(2, 3, 4, padding="same"),
    "pool": nn.MaxPool2d(3, 2, 1, ceil_mode=True),
    "reflect": nn.Conv2d(2, 3, 5, padding=2, padding_mode="reflect"),
    "replicate": nn.ReplicationPad2d((2, 0, 1, 1)),
    "circular": nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"),
    "crop": nn.ZeroPad2d((-1, -2, 0, -3)),
    "slice": Function(lambda x: x[..., 1::2, :-3]),
    "slice and new axis": Function(lambda x: x[:, None, :, 2:, ::3].squeeze(1)),
    "channels last": Function(lambda x: F.linear(x.permute(0, 2, 3, 1), torch.eye(2)).movedim(3, 1)),
    "channel shuffle": Function(lambda x: torch.cat([x, x], 1).view(1, 2, 2, 9, 13).transpose(1, 2).flatten(1, 2)),
    "pixel shuffle": Function(lambda x: F.pixel_shuffle(torch.cat([x, x], 1), 2)),
    "pixel unshuffle": Function(lambda x: F.pixel_unshuffle(x[..., 1:, 1:], 2)),
    "mean of channels": Function(lambda x: x.mean(1, keepdim=True) + x.amax(1).unsqueeze(1)),
    "mean of rows": Function(lambda x: x.mean(2, keepdim=True)),
    "larger of two": Function(lambda x: torch.max(x, x[:, :1])),
    "chunk": Function(lambda x: torch.mul(*x.chunk(2, 1))),
    "gate of the rows": Function(lambda x: x * x.mean((2, 3), keepdim=True).view(1, 2).sigmoid()[..., None, None]),
}
BEHIND_CONVOLUTION = {name: nn.Sequential(nn.Conv2d(2, 2, 3, padding=1), layer) for name, layer in UNEVEN.items()}


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("name", [*UNEVEN, *EVEN])
def test_theory_is_what_the_gradient_sees(name):
    torch.manual_seed(0)
    network = nn.Sequential({**UNEVEN, **EVEN}[name])
    images = torch.rand(1, 2, 9, 13)
    t = trace(network, images)
    node = t.nodes[-1]
    widest = 0
    for y, x in product(range(node.shape[1]), range(node.shape[2])):
        theory, measured = field_of(t, node.name, y, x), measured_field(network, images, node.name, y, x)
        if name in ("pool", "adaptive maximum pool", "larger of two"):  # the gradient is that of the largest alone
            assert theory.top <= measured.top and measured.bottom <= theory.bottom, (y, x)
            assert theory.left <= measured.left and measured.right <= theory.right, (y, x)
        elif name != "gate of the rows":  # whose gradient reaches the whole image
            assert clipped(theory, 9, 13) == measured, (y, x)
        widest = max(widest, theory.bottom - theory.top, theory.right - theory.left)
    if name != "mean of rows":
        assert widest == field_size(t, node.name)


def clipped(box, height, width):
    inside = Box(max(box.top, 0), max(box.left, 0), min(box.bottom, height), min(box.right, width))
    return inside if inside.top < inside.bottom and inside.left < inside.right else Box(0, 0, 0, 0)


@pytest.mark.parametrize("name", UNEVEN)
def test_windows_of_unequal_size_are_the_same_whoever_asks(name):
    """The layer table, one unit, one pixel, the patches and the gradient."""
    torch.manual_seed(0)
    network, images = BEHIND_CONVOLUTION[name], torch.rand(1, 2, 9, 13)
    t = trace(network, images)
    last, layers = t.nodes[-1], cs.summary(network, (2, 9, 13)).layers
    boxes = {
        (y, x): field_of(t, last.name, y, x) for y, x in product(range(last.shape[1]), range(last.shape[2]))
    }  # fmt: skip
    widest = max(max(box.bottom - box.top, box.right - box.left) for box in boxes.values())
    assert field_size(t, last.name) == widest
    assert layers[0].receptive_field == 3 and (layers[-1].receptive_field == widest or len(layers) == 1)
    for row, column in product((0, 4, 8), (0, 7, 12)):
        units = seen_by(t, last.name, row, column)
        seeing = [p for p, b in boxes.items() if b.top <= row < b.bottom and b.left <= column < b.right]
        expected = [(y, x) for y in range(units.top, units.bottom) for x in range(units.left, units.right)]
        assert set(seeing) <= set(expected) and (not seeing) == (not expected)
    (patch,) = activating_patches(network, [images], last.name, 0, count=1)
    assert patch.box == boxes[patch.position]
    if "maximum" not in name:
        for y, x in ((0, 0), (last.shape[1] // 2, last.shape[2] // 2)):
            assert clipped(boxes[y, x], 9, 13) == measured_field(network, images, last.name, y, x)


class Paths(nn.Module):
    """Branches of several kernels, a strided shortcut, channels last for a while, windows of unequal size."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(2, 4, 3, 2, padding=(2, 0), dilation=(2, 1))
        self.one, self.five = nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, (5, 3), padding=(2, 1), padding_mode="reflect")
        self.same, self.down = nn.Conv2d(8, 4, 4, padding="same"), nn.Conv2d(4, 4, 3, 2, 1)
        self.mix, self.norm = nn.Linear(4, 4), nn.LayerNorm(4)
        self.up = nn.ConvTranspose2d(4, 4, 3, 2, 1)

    def forward(self, x):
        x = self.stem(x)
        x = self.same(torch.cat([self.one(x), self.five(x)], 1))
        down = self.down(x)
        x = down + F.avg_pool2d(F.pad(x, (1, 0, 1, 0)), 2)[:, :, : down.shape[2], : down.shape[3]]
        x = self.mix(self.norm(x.permute(0, 2, 3, 1))).permute(0, 3, 1, 2)
        return F.adaptive_avg_pool2d(self.up(x), 4)


def test_theory_along_several_paths_is_what_the_gradient_sees():
    torch.manual_seed(0)
    network, images = Paths().double(), torch.randn(1, 2, 47, 53).double()
    t = trace(network, images)
    compared = set()
    for node in t.nodes[1:]:
        if node.name in ("permute", "norm", "mix"):  # their rows and columns are other axes
            continue
        for y, x in product((0, 1, node.shape[1] // 2, node.shape[1] - 1), (0, node.shape[2] // 2, node.shape[2] - 1)):
            theory, measured = field_of(t, node.name, y, x), measured_field(network, images, node.name, y, x)
            if measured != (0, 0, 0, 0):  # a unit that padding with zeros made
                assert clipped(theory, 47, 53) == measured, (node.name, y, x)
                compared.add(node.name)
    assert len(compared) == len(t.nodes) - 4


def test_padding_reaches_beyond_the_image():
    t = trace(nn.Sequential(nn.Conv2d(1, 1, 5, padding=2), nn.MaxPool2d(2)), torch.zeros(1, 1, 8, 8))
    assert field_of(t, "0", 0, 0) == (-2, -2, 3, 3) and field_of(t, "1", 3, 1) == (4, 0, 10, 6)
    assert seen_by(t, "0", 0, 7) == (0, 5, 3, 8) and seen_by(t, "1", 0, 7) == (0, 2, 2, 4)


@pytest.mark.parametrize(
    ("name", "layer", "size"),
    [("resnet50", "layer4.2.add", 427), ("densenet121", "features.norm5", 2071), ("vgg16", "features.30", 212),
     ("googlenet", "inception5b.cat", 379), ("efficientnet_b0", "features.8.2", 851)],
)  # fmt: skip
def test_published_sizes(name, layer, size):
    """The sizes that Araujo et al. give, though 64 pixels leave only 2 x 2 maps."""
    options = {"init_weights": False} if name == "googlenet" else {}
    with torch.device("meta"):
        network = getattr(torchvision.models, name)(weights=None, **options)
    t = trace(network, torch.zeros(1, 3, 64, 64), keep=[])
    box = field_of(t, layer, 0, 0)
    assert box.bottom - box.top == size == box.right - box.left == field_size(t, layer)
    assert field_of(t, t.answers[0]) == (0, 0, 64, 64) and field_size(t, t.answers[0]) is None


@pytest.mark.parametrize("name", ["lenet5", "lenet_relu", "lenet_sigmoid", "mnist_cnn", "mnist_fast", "resnet20"])
def test_the_layer_table_says_what_a_unit_sees(name):
    size = CATALOGUE[name].input_size
    network = cs.create_model(name).eval()
    t = trace(network, torch.zeros(1, *size))
    nodes = [node for node in t.nodes if node.module is not None]
    for row, node in zip(cs.summary(network, size).layers, nodes, strict=True):
        assert row.name == node.module and row.receptive_field == field_size(t, node.name)
        if len(node.shape) == 3 and row.receptive_field is not None:
            box = field_of(t, node.name, node.shape[1] // 2, node.shape[2] // 2)
            assert max(box.bottom - box.top, box.right - box.left) == row.receptive_field


@pytest.mark.parametrize("name", ["lenet5", "lenet_relu"])
def test_there_and_back(name):
    t = trace(cs.create_model(name), torch.zeros(1, 1, 32, 32))
    for node in t.nodes:
        height, width = node.shape[1:] if len(node.shape) == 3 else (1, 1)
        for row, column in ((0, 0), (13, 5), (31, 31)):
            units = seen_by(t, node.name, row, column)
            for y in range(height):
                for x in range(width):
                    box = field_of(t, node.name, y, x)
                    inside = box.top <= row < box.bottom and box.left <= column < box.right
                    assert inside == (units.top <= y < units.bottom and units.left <= x < units.right)


def test_flattened_maps_see_what_their_maps_saw():
    t = trace(cs.create_model("lenet_relu"), torch.zeros(1, 1, 32, 32))
    assert field_size(t, "flatten") == field_size(t, "features.5") == 16
    assert field_of(t, "flatten") == (0, 0, 32, 32)  # which of them, a vector does not say
    assert seen_by(t, "flatten", 3, 3) == (0, 0, 1, 1)


def test_attention_sees_the_whole_image():
    network = torchvision.models.VisionTransformer(32, 8, 1, 4, 24, 48, num_classes=5)
    t = trace(network, torch.zeros(1, 3, 32, 32))
    assert field_size(t, "conv_proj") == 8
    assert field_size(t, "encoder.layers.encoder_layer_0.self_attention") is None


def test_what_does_not_depend_on_the_image():
    class Constant(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(3, 2)

        def forward(self, x):
            return x.mean((2, 3)) + self.embed(torch.tensor([1]))

    t = trace(Constant(), torch.zeros(1, 2, 5, 5))
    assert field_of(t, "embed") == (0, 0, 0, 0) and seen_by(t, "embed", 1, 1) == (0, 0, 0, 0)
    assert field_of(t, "add") == (0, 0, 5, 5) and field_size(t, "embed") == 0


def test_unknown_nodes_are_refused():
    t = trace(nn.ReLU(), torch.zeros(1, 1, 2, 2))
    for ask in (lambda: field_of(t, "ReLu"), lambda: field_size(t, "ReLu"), lambda: seen_by(t, "ReLu", 0, 0)):
        with pytest.raises(ValueError, match=r"no node is called 'ReLu'; did you mean ReLU\?"):
            ask()
