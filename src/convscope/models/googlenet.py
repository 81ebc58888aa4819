"""GoogLeNet (Inception-v1): the paper's network, the one that public weights fit, and the one without reductions.

C. Szegedy, W. Liu, Y. Jia, P. Sermanet, S. Reed, D. Anguelov, D. Erhan, V. Vanhoucke, A. Rabinovich,
*Going Deeper with Convolutions*, CVPR 2015, arXiv:1409.4842. Winner of ILSVRC 2014.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

from torch import Tensor, nn

from .tools.card import Card
from .tools.inception_blocks import AuxiliaryPool, BasicConv2d, Concat, ConvReLU, auxiliary_loss
from .tools.layers import LocalResponseNorm, require_at_least


@dataclass(frozen=True)
class Row:
    """The maps of one Inception module: a row of Table 1, with its columns in order."""

    conv1: int
    reduce3: int
    conv3: int
    reduce5: int
    conv5: int
    project: int

    @property
    def out_channels(self) -> int:
        """The maps that the module with reductions returns."""
        return self.conv1 + self.conv3 + self.conv5 + self.project


TABLE1 = {
    #         1x1  3x3r 3x3  5x5r 5x5  pool
    "3a": Row(64,  96,  128, 16,  32,  32),   # N x 256 x 28 x 28
    "3b": Row(128, 128, 192, 32,  96,  64),   # N x 480 x 28 x 28, then pooled to 14 x 14
    "4a": Row(192, 96,  208, 16,  48,  64),   # N x 512 x 14 x 14
    "4b": Row(160, 112, 224, 24,  64,  64),   # N x 512 x 14 x 14
    "4c": Row(128, 128, 256, 24,  64,  64),   # N x 512 x 14 x 14
    "4d": Row(112, 144, 288, 32,  64,  64),   # N x 528 x 14 x 14
    "4e": Row(256, 160, 320, 32,  128, 128),  # N x 832 x 14 x 14, then pooled to 7 x 7
    "5a": Row(256, 160, 320, 32,  128, 128),  # N x 832 x 7 x 7
    "5b": Row(384, 192, 384, 48,  128, 128),  # N x 1024 x 7 x 7
}  # fmt: skip

# The modules whose maps the auxiliary heads take, in training.
HEADS = {"inception4a": "aux1", "inception4d": "aux2"}

Conv = Callable[..., nn.Module]


class Inception(Concat):
    """Figure 2(b): 1x1, 3x3, 5x5 (`large`) convolutions and pooling, with 1x1 reductions before the large kernels."""

    def __init__(self, in_channels: int, row: Row, conv: Conv = ConvReLU, large: int = 5):
        super().__init__()
        self.branch1 = conv(in_channels, row.conv1, 1)
        self.branch2 = nn.Sequential(conv(in_channels, row.reduce3, 1), conv(row.reduce3, row.conv3, 3))
        self.branch3 = nn.Sequential(conv(in_channels, row.reduce5, 1), conv(row.reduce5, row.conv5, large))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1), conv(in_channels, row.project, 1))
        self.out_channels = row.out_channels


class NaiveInception(Concat):
    """Figure 2(a): no reductions; the pooled input keeps all its channels, so that their number can only grow."""

    def __init__(self, in_channels: int, row: Row, conv: Conv = ConvReLU, large: int = 5):
        super().__init__()
        self.branch1 = conv(in_channels, row.conv1, 1)
        self.branch2 = conv(in_channels, row.conv3, 3)
        self.branch3 = conv(in_channels, row.conv5, large)
        self.branch4 = nn.MaxPool2d(3, 1, 1)
        self.out_channels = row.conv1 + row.conv3 + row.conv5 + in_channels


class Auxiliary(nn.Sequential):
    """The auxiliary head of section 5: pooling, 1x1 to 128 maps, two linear layers with dropout 0.7 in between."""

    def __init__(self, in_channels: int, num_classes: int, conv: Conv, pool: nn.Module):
        super().__init__()
        self.pool = pool  # N x in x 4 x 4
        self.conv = conv(in_channels, 128, 1)
        self.flatten = nn.Flatten()  # N x 2048
        self.fc1 = nn.Linear(2048, 1024)
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(0.7)
        self.fc2 = nn.Linear(1024, num_classes)


class GoogLeNetOutputs(NamedTuple):
    """The output in training: the logits, and those of the later and of the earlier auxiliary head."""

    logits: Tensor
    aux_logits2: Tensor
    aux_logits1: Tensor


@dataclass(frozen=True)
class Form:
    """The differences between the versions; the defaults are the paper's."""

    inception: Callable[..., Inception | NaiveInception] = Inception
    conv: Conv = ConvReLU
    large: int = 5
    normalise: bool = True
    last_pool: int = 3
    dropout: float = 0.4
    auxiliary_pool: Callable[[int], nn.Module] = AuxiliaryPool


class GoogLeNet(nn.Module):
    """Table 1 of the paper, for images from 31 x 31, with batch norm from 15 x 15 (shapes are for 224 x 224).

    The children run in their order. In training `aux1` and `aux2` branch off, and the output is `GoogLeNetOutputs`; in
    evaluation, or without `aux_logits`, it is plain logits, N x classes.
    """

    def __init__(self, num_classes: int, in_channels: int, aux_logits: bool, form: Form):
        super().__init__()
        self.conv1 = form.conv(in_channels, 64, 7, stride=2)  # N x 64 x 112 x 112
        self.maxpool1 = nn.MaxPool2d(3, 2, ceil_mode=True)  # N x 64 x 56 x 56
        if form.normalise:
            self.norm1 = LocalResponseNorm(5, 1e-4 / 5, 0.75, 1.0)
        self.conv2 = form.conv(64, 64, 1)
        self.conv3 = form.conv(64, 192, 3)  # N x 192 x 56 x 56
        if form.normalise:
            self.norm2 = LocalResponseNorm(5, 1e-4 / 5, 0.75, 1.0)
        self.maxpool2 = nn.MaxPool2d(3, 2, ceil_mode=True)  # N x 192 x 28 x 28
        channels, self.widths = 192, {}
        for number, row in TABLE1.items():
            block = form.inception(channels, row, form.conv, form.large)
            channels = self.widths[f"inception{number}"] = block.out_channels
            self.add_module(f"inception{number}", block)
            if number == "3b":
                self.maxpool3 = nn.MaxPool2d(3, 2, ceil_mode=True)  # N x 480 x 14 x 14
            if number == "4e":
                self.maxpool4 = nn.MaxPool2d(form.last_pool, 2, ceil_mode=True)  # N x 832 x 7 x 7
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()  # N x 1024
        self.dropout = nn.Dropout(form.dropout)
        self.fc = nn.Linear(channels, num_classes)
        self.least = 31 if form.last_pool == 3 else 15  # so that no max pooling has an empty output
        self.aux_logits = aux_logits
        if aux_logits:
            for module, head in HEADS.items():
                pool = form.auxiliary_pool(4)
                self.add_module(head, Auxiliary(self.widths[module], num_classes, form.conv, pool))

    @property
    def stages(self) -> dict[str, tuple[int, int]]:
        """The last module of each stage: channels and stride of its maps."""
        ends = {"norm2" if hasattr(self, "norm2") else "conv3": (192, 4)}
        for name, stride in (("inception3b", 8), ("inception4e", 16), ("inception5b", 32)):
            ends[name] = (self.widths[name], stride)
        return ends

    def forward(self, images: Tensor) -> Tensor | GoogLeNetOutputs:
        """Return logits; in training with those of the auxiliary heads."""
        require_at_least(images, self.least, "GoogLeNet")
        maps, auxiliary = images, {}
        for name, layer in self.named_children():
            if name in HEADS.values():
                continue
            maps = layer(maps)
            if self.training and self.aux_logits and name in HEADS:
                auxiliary[HEADS[name]] = self.get_submodule(HEADS[name])(maps)
        return GoogLeNetOutputs(maps, auxiliary["aux2"], auxiliary["aux1"]) if auxiliary else maps

    def loss(self, outputs: Tensor | GoogLeNetOutputs, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """Return the cross-entropy; in training plus 0.3 times that of each auxiliary head, as in section 5."""
        return auxiliary_loss(outputs, labels, 0.3, label_smoothing)


def googlenet(num_classes: int = 1000, in_channels: int = 3, aux_logits: bool = True) -> GoogLeNet:
    """Return the paper's network: 6,998,552 parameters, with the auxiliary heads 13,378,280.

    The paper gives neither the initialisation nor the constants of local response normalisation (its Figure 3); both
    are those of the public Caffe replication: uniform weights of variance 1 / inputs, biases 0.2 (0 before the
    softmax), and normalisation with n = 5, alpha = 1e-4 / 5, beta = 0.75, k = 1. Departures: none in the layers; for
    images of other sizes than 224 x 224, the auxiliary heads pool their maps to the 4 x 4 that they need.
    """
    network = GoogLeNet(num_classes, in_channels, aux_logits, Form())
    _caffe_init(network)
    return network


def googlenet_bn(num_classes: int = 1000, in_channels: int = 3, aux_logits: bool = True) -> GoogLeNet:
    """Return torchvision's `googlenet`, whose weights fit: 6,624,904 parameters, 13,004,888 with auxiliary heads.

    Departures from the paper: batch norm (eps 0.001) instead of biases and local response normalisation; the "5x5"
    branch is 3x3; the last max pooling is 2x2; dropout 0.2; the auxiliary heads pool adaptively. Weights start as
    N(0, 0.01). The public weights expect pixels in -1..1 (mean 0.5, deviation 0.5).
    """
    form = Form(
        conv=BasicConv2d, large=3, normalise=False, last_pool=2, dropout=0.2, auxiliary_pool=nn.AdaptiveAvgPool2d
    )
    network = GoogLeNet(num_classes, in_channels, aux_logits, form)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.normal_(layer.weight, 0, 0.01)
    return network


def googlenet_naive(num_classes: int = 1000, in_channels: int = 3) -> GoogLeNet:
    """Return GoogLeNet of naive modules, to show what reductions save: 97,526,008 parameters, eight times the MACs.

    The paper draws the module (Figure 2a) but builds no such network. No auxiliary heads; otherwise as `googlenet`.
    """
    network = GoogLeNet(num_classes, in_channels, False, Form(inception=NaiveInception))
    _caffe_init(network)
    return network


def _caffe_init(network: GoogLeNet) -> None:
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            bound = sqrt(3 / layer.weight[0].numel())
            nn.init.uniform_(layer.weight, -bound, bound)
            if layer.bias is not None:
                nn.init.constant_(layer.bias, 0.0 if name in ("fc", "aux1.fc2", "aux2.fc2") else 0.2)


AUTHORS = "C. Szegedy, W. Liu, Y. Jia, P. Sermanet, S. Reed, D. Anguelov, D. Erhan, V. Vanhoucke, A. Rabinovich"
PAPER = "Going Deeper with Convolutions"
URL = "https://arxiv.org/abs/1409.4842"

CARDS = [
    Card(
        "googlenet", googlenet, 2014, AUTHORS, PAPER, URL, "Inception", (3, 224, 224),
        benchmark="ImageNet 2012 validation, one crop", top5_error=10.07,
    ),
    Card(
        "googlenet_bn", googlenet_bn, 2014, AUTHORS, f"{PAPER} (with batch norm)", URL, "Inception", (3, 224, 224),
        mean=0.5, std=0.5,
    ),
    Card("googlenet_naive", googlenet_naive, 2014, AUTHORS, f"{PAPER} (Figure 2a)", URL, "Inception", (3, 224, 224)),
]  # fmt: skip
