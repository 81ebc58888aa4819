"""AlexNet in one tower: torchvision's function and the tutorials' network."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn

import convscope as cs

from . import golden, parity
from .checks import check_stages, check_training_step, on_meta

FULL = (3, 227, 227)


def narrow(network: nn.Module, *places: int) -> nn.Module:
    """64 instead of 4096 units in the hidden linear layers: what is to be compared, at a fraction of the memory."""
    inputs = network.classifier[places[0]].in_features
    for place, (i, o) in zip(places, [(inputs, 64), (64, 64), (64, 7)], strict=True):
        network.classifier[place] = nn.Linear(i, o)
    return network


@pytest.mark.parametrize(
    ("name", "options", "parameters", "macs"),
    [
        ("alexnet_227", {}, 58_299_082, 1_060_924_256),
        ("alexnet_227", {"num_classes": 1000, "in_channels": 3}, 62_378_344, 1_135_256_096),
        ("alexnet_227", {"in_channels": 3}, 58_322_314, 1_131_201_056),
        ("alexnet", {}, 61_100_840, 714_188_480),
        ("alexnet", {"num_classes": 10}, 57_044_810, 710_133_440),
        ("alexnet", {"num_classes": 10, "in_channels": 1}, 57_029_322, 663_282_240),
    ],
)
def test_counts(name, options, parameters, macs):
    side = 224 if name == "alexnet" else 227
    channels = options.get("in_channels", 1 if name == "alexnet_227" else 3)
    table = cs.summary(on_meta(name, **options), (channels, side, side))
    assert (table.parameters, table.macs, table.receptive_field) == (parameters, macs, 195)


@pytest.mark.parametrize(
    ("name", "size", "maps"),
    [
        ("alexnet_227", (1, 227, 227), [(96, 55), (256, 27), (256, 13), (256, 6)]),
        ("alexnet", (3, 224, 224), [(64, 55), (192, 27), (256, 13), (256, 6)]),
    ],
)
def test_stages(name, size, maps):
    network = on_meta(name)
    check_stages(network, size, maps)
    assert [stride for _, stride in network.stages.values()] == [4, 8, 16, 32]


def test_alexnet_227_has_the_tutorials_keys():
    layers = {key.rsplit(".", 1)[0] for key in on_meta("alexnet_227").state_dict()}
    assert layers == {"c1", "c3", "c5", "c6", "c7", "f1", "f2", "f3"}


def test_golden_row_of_alexnet_227():
    network = on_meta("alexnet_227").to_empty(device="cpu")
    order = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    first = (2.377872602, -1.899432986, 3.781457912, -1.052040823)
    golden.check_row(network, (1, 227, 227), 8, first, 1.658521375, 6.760438603, 2, 0.22, order=order)


def test_alexnet_is_torchvisions_with_gradients():
    torch.manual_seed(0)
    ours = narrow(cs.create_model("alexnet", num_classes=7), 1, 4, 6)
    theirs = narrow(torchvision.models.alexnet(num_classes=7), 1, 4, 6)
    # Freshly made, its output would hardly depend on the input.
    golden.fill(theirs, FULL, order=[m for m in theirs.modules() if isinstance(m, nn.Conv2d | nn.Linear)])
    parity.assert_same(ours, theirs, (3, 159, 195))  # 4 x 5 maps, brought to 6 x 6


def test_alexnet_takes_torchvisions_weights_at_full_width():
    with torch.device("meta"):
        theirs = torchvision.models.alexnet()
    theirs = theirs.to_empty(device="cpu").eval()
    order = [m for m in theirs.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    golden.fill(theirs, (3, 224, 224), order=order)
    ours = on_meta("alexnet").eval()
    ours.load_state_dict(theirs.state_dict(), strict=True, assign=True)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    images = golden.image((3, 224, 224))
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs(images), rtol=1e-9, atol=1e-12)
    assert golden.sensitivity(theirs, (3, 224, 224)) > 1e-2


def test_alexnet_takes_any_size_from_63():
    network = cs.create_model("alexnet", num_classes=7, in_channels=1).eval()
    for batch, height, width in ((1, 63, 63), (2, 63, 100), (1, 227, 131)):
        with torch.no_grad():
            assert network(torch.randn(batch, 1, height, width)).shape == (batch, 7)
    with pytest.raises(ValueError, match=r"^alexnet takes images of at least 63 x 63; got 1 x 1 x 62 x 80$"):
        network(torch.zeros(1, 1, 62, 80))


def test_another_size_is_refused_in_one_line():
    with pytest.raises(ValueError, match=r"^alexnet_227 takes images of N x 1 x 227 x 227; got 1 x 1 x 224 x 224$"):
        on_meta("alexnet_227")(torch.zeros(1, 1, 224, 224, device="meta"))


@pytest.mark.parametrize(("name", "side"), [("alexnet_227", 227), ("alexnet", 63)])
def test_a_step_of_training(name, side):
    torch.manual_seed(0)
    check_training_step(cs.create_model(name, num_classes=7, in_channels=1), torch.randn(2, 1, side, side))


@pytest.mark.parametrize("name", ["alexnet_227", "alexnet"])
def test_dropout_is_an_argument(name):
    for rate in (0.5, 0.2):
        network = on_meta(name, dropout=rate)
        assert [m.p for m in network.modules() if isinstance(m, nn.Dropout)] == [rate, rate]
