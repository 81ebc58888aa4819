"""Receptive fields: against the gradient, against published sizes, and there and back."""

from __future__ import annotations

import random

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

import convscope as cs
from convscope.insight import Box, field_of, measured_field, seen_by, trace


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


def test_theory_is_what_the_gradient_sees():
    torch.manual_seed(0)
    network, images = Paths().double(), torch.randn(1, 2, 47, 53).double()
    t = trace(network, images)
    dice = random.Random(0)
    for node in t.nodes[1:]:
        if node.name in ("permute", "norm", "mix"):  # their rows and columns are other axes
            continue
        for _ in range(4):
            y, x = dice.randrange(node.shape[1]), dice.randrange(node.shape[2])
            theory, measured = field_of(t, node.name, y, x), measured_field(network, images, node.name, y, x)
            clipped = Box(max(theory.top, 0), max(theory.left, 0), min(theory.bottom, 47), min(theory.right, 53))
            if node.name in ("adaptive_avg_pool2d", "up"):  # units of unequal fields: theory is the widest
                assert clipped.top <= measured.top and clipped.bottom >= measured.bottom
                assert clipped.left <= measured.left and clipped.right >= measured.right
            elif node.name not in ("five", "pad"):  # a mirrored border looks at fewer pixels, zeros at none
                assert clipped == measured, (node.name, y, x)


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
    """The sizes that Araujo et al. give, at 64 pixels; the layer table has the same."""
    options = {"init_weights": False} if name == "googlenet" else {}
    with torch.device("meta"):
        network = getattr(torchvision.models, name)(weights=None, **options)
    t = trace(network, torch.zeros(1, 3, 64, 64), keep=[])
    box = field_of(t, layer, 0, 0)
    assert box.bottom - box.top == size == box.right - box.left
    assert field_of(t, t.answers[0]) == (0, 0, 64, 64)


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


def test_known_to_be_smaller_where_paths_are_shut():
    network = nn.Sequential(nn.MaxPool2d(3))
    images = torch.zeros(1, 1, 9, 9)
    images[..., 4, 5] = 1
    assert measured_field(network, images, "0", 1, 1) == (4, 5, 5, 6)
    assert field_of(trace(network, images), "0", 1, 1) == (3, 3, 6, 6)
    assert measured_field(nn.Sequential(nn.ReLU()), -torch.ones(1, 1, 3, 3), "0", 1, 1) == (0, 0, 0, 0)


def test_what_does_not_depend_on_the_image():
    class Constant(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(3, 2)

        def forward(self, x):
            return x.mean((2, 3)) + self.embed(torch.tensor([1]))

    t = trace(Constant(), torch.zeros(1, 2, 5, 5))
    assert field_of(t, "embed") == (0, 0, 0, 0) and seen_by(t, "embed", 1, 1) == (0, 0, 0, 0)
    assert field_of(t, "add") == (0, 0, 5, 5)
