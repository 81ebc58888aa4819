"""Pre-activation ResNets for CIFAR, against the paper's counts and golden rows."""

from __future__ import annotations

from math import sqrt

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import convscope as cs
from convscope.models.preact_resnet import PreactBottleneck

from . import golden
from .checks import check_parameters, check_stages, check_training_step, on_meta

# name, parameters with 1000 classes, 10 classes, 10 classes and 1 channel, BN, depth; the catalogue's test has the rest
TABLE = [
    ("preact_resnet164", 1_957_688, 1_703_258, 1_702_970, 24_224, 164),
    ("preact_resnet1001", 10_582_136, 10_327_706, 10_327_418, 149_216, 1001),
]

# name, layers, first outputs, sum, norm, argmax, sensitivity
GOLDEN = [
    ("preact_resnet164", 330, (8614.957704, 15737.3767, 4900.820287, -22343.85357),
     -72201.12003, 44624.12353, 1, 0.04),
    ("preact_resnet1001", 2004, (-3.415296858e25, -6.8661129e27, -3.531263827e27, -8.943445598e27),
     -1.51319553e28, 2.237747074e28, 4, 0.014),
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_counts(row):
    name, thousand, ten, ten_grey, norms, depth = row
    network = check_parameters(name, {}, (thousand, ten, ten_grey), norms=norms)
    # The name counts the layers of the main path.
    layers = [path for path, module in network.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    assert sum("downsample" not in path for path in layers) == depth


def test_a_thousand_layers_run():
    torch.manual_seed(0)
    network = cs.create_model("preact_resnet1001")
    with torch.no_grad():  # in training mode: without a step of training batch norms have no statistics to go by
        logits = network(torch.randn(1, 3, 32, 32))
    assert logits.shape == (1, 10) and logits.isfinite().all() and logits.std() > 0


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: row[0])
def test_golden_rows(row):
    name, *expected = row
    golden.check_row(cs.create_model(name), (3, 32, 32), *expected)


def test_stages():
    network = on_meta("preact_resnet164")
    check_stages(network, (3, 32, 32), [(64, 32), (128, 16), (256, 8)])
    assert [stride for _, stride in network.stages.values()] == [1, 2, 4]


def test_preactivation_blocks_add_up():
    torch.manual_seed(0)
    block = PreactBottleneck(64, 16, 1).eval()
    x = torch.randn(2, 64, 7, 5)
    change = x
    for norm, conv in ((block.bn1, block.conv1), (block.bn2, block.conv2), (block.bn3, block.conv3)):
        change = conv(F.relu(norm(change)))
    torch.testing.assert_close(block(x), x + change)  # no ReLU behind the sum
    assert (block(x) < 0).any()
    first = PreactBottleneck(64, 32, 2).eval()
    active = F.relu(first.bn1(x))
    assert first.conv1.stride == first.downsample.stride == (2, 2) and first.conv2.stride == (1, 1)
    change = first.conv3(F.relu(first.bn3(first.conv2(F.relu(first.bn2(first.conv1(active)))))))
    torch.testing.assert_close(first(x), change + first.downsample(active))


@pytest.mark.parametrize(("channels", "batch", "size"), [(1, 2, (28, 28)), (3, 1, (33, 17)), (3, 2, (32, 32))])
def test_any_size_and_a_gradient_on_every_parameter(channels, batch, size):
    torch.manual_seed(0)
    network = cs.create_model("preact_resnet164", num_classes=7, in_channels=channels)
    check_training_step(network, torch.randn(batch, channels, *size))


def test_it_starts_as_the_paper_says():
    torch.manual_seed(0)
    network = cs.create_model("preact_resnet164")
    weight = network.layer3[3].conv2.weight.detach()
    assert weight.shape == (64, 64, 3, 3)
    assert float(weight.std()) == pytest.approx(sqrt(2 / (9 * 64)), rel=0.02)
    assert float((weight / weight.std()).pow(4).mean()) == pytest.approx(3, abs=0.1)
