"""The layer that a class-activation map is made from."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from convscope.insight import attribute
from convscope.insight.attribution.class_activation import map_layer
from convscope.insight.tracing.trace import trace
from convscope.models import create_model


def test_a_network_without_maps():
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    with pytest.raises(ValueError, match="no layer of this network gives maps: choose another method"):
        attribute(network, torch.randn(1, 1, 8, 8), "grad-cam", 0)


class Attention(nn.Module):
    """Attention among the positions of C x H x W maps, written out or by one function."""

    def __init__(self, heads: int, width: int, fused: bool) -> None:
        super().__init__()
        self.heads, self.fused = heads, fused
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        n, c, h, w = x.shape
        tokens = x.flatten(2).transpose(1, 2)
        q, k, v = self.qkv(tokens).reshape(n, h * w, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        written_out = (q @ k.transpose(-2, -1)).softmax(-1) @ v
        mixed = F.scaled_dot_product_attention(q, k, v) if self.fused else written_out
        return self.proj(mixed.transpose(1, 2).reshape(n, h * w, c))


class Hybrid(nn.Module):
    """A convolution, then attention; `back` makes maps of the tokens again before the pooling."""

    def __init__(self, back: bool, fused: bool, layers: int = 1) -> None:
        super().__init__()
        self.stem, self.back = nn.Sequential(nn.Conv2d(3, 16, 4, 4), nn.ReLU()), back
        self.mix = Attention(2, 16, fused)
        self.more = nn.Sequential(*(nn.Linear(16, 16) for _ in range(layers)))
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        maps = self.stem(x)
        tokens = self.more(self.mix(maps))
        if self.back:
            return self.head(tokens.transpose(1, 2).reshape(maps.shape).mean((2, 3)))
        return self.head(tokens.mean(1))


@pytest.mark.parametrize("fused", [True, False])
def test_what_attention_takes_and_gives_is_no_map(fused):
    images = torch.zeros(1, 3, 32, 32)  # 64 positions of 8 features: queries x keys are square as the image is
    assert map_layer(trace(Hybrid(back=False, fused=fused), images)) == "stem.1"
    assert map_layer(trace(Hybrid(back=True, fused=fused), images)) == "reshape"


def test_maps_of_the_beginning_point_badly():
    network = Hybrid(back=False, fused=True, layers=10)
    with pytest.raises(ValueError, match=r"'stem.1' gives the last maps of this network, and 13 layers come after it"):
        attribute(network, torch.randn(1, 3, 32, 32), "grad-cam", 0)
    assert attribute(network, torch.randn(1, 3, 32, 32), "grad-cam", 0, layer="stem.1").shape == (1, 32, 32)


def test_channels_that_are_kept_last_are_no_maps():
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm, self.head = nn.Conv2d(3, 40, 4, 4), nn.LayerNorm(40), nn.Linear(40, 3)

        def forward(self, x):
            return self.head(self.norm(self.conv(x).permute(0, 2, 3, 1)).mean((1, 2)))

    assert map_layer(trace(Last(), torch.zeros(1, 3, 32, 32))) == "conv"


class Branches(nn.Module):
    """Two branches of maps that are concatenated; with `late`, only after pooling, so that no maps are of both."""

    def __init__(self, late: bool) -> None:
        super().__init__()
        self.one, self.two = (nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()) for _ in range(2))
        self.late, self.small, self.head = late, nn.Conv2d(8, 8, 9, stride=9), nn.Linear(8, 3)

    def forward(self, x):
        one, two = self.one(x), self.two(x)
        if self.late:
            return self.head(torch.cat([one.mean((2, 3)), two.mean((2, 3))], 1))
        first, second = torch.cat([one, two], 1).relu().chunk(2, 1)
        return self.head(self.small(torch.cat([first.sigmoid(), second.relu()], 1).flip(1)).mean((2, 3)))


def test_maps_of_one_of_two_branches_say_only_its_part():
    images = torch.randn(1, 3, 12, 12)
    assert map_layer(trace(Branches(late=False), images)) == "flip"
    assert map_layer(trace(Branches(late=True), images)) == "two.1"


def test_an_ensemble_is_explained_as_a_whole():
    network = create_model("cifar_fast", members=3).eval()
    assert map_layer(trace(network, torch.randn(1, 3, 32, 32))) == "block2.cat"
