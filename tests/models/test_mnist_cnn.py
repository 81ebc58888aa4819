"""The tutorials' network for MNIST, against its specification."""

from __future__ import annotations

import pytest
import torch

import convscope as cs

from . import golden
from .checks import check_training_step


def test_golden_row():
    first = (0.5898452335, -0.2662740018, -0.6154752259, -0.8687399026)
    golden.check_row(cs.create_model("mnist_cnn"), (1, 28, 28), 7, first, -7.155626946, 4.361871282, 9, 0.24)


@pytest.mark.parametrize(
    ("classes", "parameters", "macs"), [(10, 2_327_818, 11_542_848), (1000, 2_455_528, 11_669_568)]
)
def test_counts(classes, parameters, macs):
    table = cs.summary(cs.create_model("mnist_cnn", num_classes=classes), (1, 28, 28))
    assert (table.parameters, table.macs) == (parameters, macs)


def test_it_has_the_tutorials_keys_and_fields():
    network = cs.create_model("mnist_cnn")
    layers = ["layer1.0", "layer2.0", "layer3.0", "layer4.0", "fc.0", "fc.2", "fc.4"]
    assert list(network.state_dict()) == [f"{layer}.{part}" for layer in layers for part in ("weight", "bias")]
    fields = {r.name: r.receptive_field for r in cs.summary(network, (1, 28, 28)).layers}
    assert [fields[f"layer{i}.0"] for i in (1, 2, 3, 4)] == [3, 5, 10, 14]
    assert fields["layer4.2"] == 16


def test_another_size_is_refused_in_one_line():
    with pytest.raises(ValueError, match=r"takes images of N x 1 x 28 x 28; got 1 x 1 x 20 x 20$"):
        cs.create_model("mnist_cnn")(torch.zeros(1, 1, 20, 20))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("batch", [1, 2])
def test_a_step_of_training(channels, batch):
    torch.manual_seed(0)
    network = cs.create_model("mnist_cnn", num_classes=7, in_channels=channels)
    check_training_step(network, torch.randn(batch, channels, 28, 28))
