"""Softmax regression and the multilayer perceptron, against their specification."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import convscope as cs

from . import golden
from .checks import check_training_step


def test_golden_row():
    first = (0.4267923098, -1.139921174, -0.9877247491, 0.04460638152)
    golden.check_row(cs.create_model("mlp"), (1, 28, 28), 3, first, 4.935416881, 3.530094159, 7, 0.96)


@pytest.mark.parametrize(
    ("name", "options", "parameters", "macs"),
    [
        ("softmax_regression", {}, 7_850, 7_840),
        ("softmax_regression", {"num_classes": 1000}, 785_000, 784_000),
        ("softmax_regression", {"num_classes": 2, "img_size": 128}, 32_770, 32_768),
        ("mlp", {}, 266_610, 266_200),
        ("mlp", {"num_classes": 1000}, 366_600, 365_200),
        ("mlp", {"hidden": [300]}, 238_510, 238_200),
        ("mlp", {"hidden": [1000]}, 795_010, 794_000),
        ("mlp", {"hidden": [500, 150]}, 469_160, 468_500),
    ],
)
def test_counts(name, options, parameters, macs):
    side = options.get("img_size", 28)
    table = cs.summary(cs.create_model(name, **options), (1, side, side))
    assert (table.parameters, table.macs) == (parameters, macs)


@pytest.mark.parametrize("name", ["mlp", "softmax_regression"])
def test_another_size_is_refused_in_one_line(name):
    with pytest.raises(ValueError, match=r"takes images of N x 1 x 28 x 28; got 1 x 1 x 20 x 20$"):
        cs.create_model(name)(torch.zeros(1, 1, 20, 20))


def test_linear_layers_without_activation_collapse_into_one():
    network = cs.create_model("mlp").double()
    weights = [m.weight for m in network.modules() if isinstance(m, nn.Linear)]
    for module in list(network.layers.named_children()):
        if module[0].startswith("act"):
            setattr(network.layers, module[0], nn.Identity())
    images = torch.randn(3, 1, 28, 28, dtype=torch.float64)
    torch.testing.assert_close(network(images), images.flatten(1) @ (weights[2] @ weights[1] @ weights[0]).T)


def test_forward_and_gradient_by_hand():
    torch.manual_seed(0)
    network = cs.create_model("mlp", activation="tanh", hidden=[7, 5], img_size=4, num_classes=3).double()
    x = np.random.default_rng(0).normal(size=(2, 16))
    w = [p.detach().numpy() for p in network.parameters()]
    hidden = np.tanh(np.tanh(x @ w[0].T + w[1]) @ w[2].T + w[3])
    expected = hidden @ w[4].T + w[5]
    out = network(torch.from_numpy(x).view(2, 1, 4, 4))
    np.testing.assert_allclose(out.detach().numpy(), expected, atol=1e-12)
    out.square().sum().backward()
    parameter = network.layers.fc1.weight
    step = 1e-6
    with torch.no_grad():
        values = []
        for sign in (1, -1):
            parameter[2, 3] += sign * step
            values.append(float(network(torch.from_numpy(x).view(2, 1, 4, 4)).square().sum()))
            parameter[2, 3] -= sign * step
    assert float(parameter.grad[2, 3]) == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-6)


@pytest.mark.parametrize("act", ["sigmoid", "tanh", "relu", "leaky_relu"])
def test_it_takes_the_four_activations(act):
    network = cs.create_model("mlp", activation=act)
    assert network(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
    with pytest.raises(cs.UsageError, match="unknown activation 'swoosh'"):
        cs.create_model("mlp", activation="swoosh")


@pytest.mark.parametrize("name", ["softmax_regression", "mlp"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("batch", [1, 2])
def test_a_step_of_training(name, channels, batch):
    torch.manual_seed(0)
    network = cs.create_model(name, num_classes=7, in_channels=channels)
    check_training_step(network, torch.randn(batch, channels, 28, 28))


def test_rows_of_pixels_are_taken_as_images_are():
    """A tutorial's perceptron: one row of 128 x 128 values, two classes."""
    torch.manual_seed(0)
    typed = nn.Linear(128 * 128, 2)
    ours = cs.create_model("softmax_regression", num_classes=2, img_size=128)
    ours.load_state_dict(typed.state_dict(), strict=True)
    rows = torch.rand(3, 128 * 128)
    torch.testing.assert_close(ours(rows), typed(rows))
    torch.testing.assert_close(ours(rows.view(3, 1, 128, 128)), typed(rows))
    colour = cs.create_model("mlp", in_channels=3, img_size=4)
    images = torch.rand(2, 3, 4, 4)
    assert torch.equal(colour(images), colour(images.flatten(1)))
    with pytest.raises(ValueError, match=r"takes images of N x 1 x 28 x 28; got 1 x 16384$"):
        cs.create_model("softmax_regression")(torch.zeros(1, 128 * 128))


def test_weights_of_the_same_layers_are_taken_under_other_names():
    torch.manual_seed(0)
    typed = nn.Sequential(nn.Flatten(), nn.Linear(16, 7), nn.ReLU(), nn.Linear(7, 5), nn.ReLU(), nn.Linear(5, 3))
    ours = cs.create_model("mlp", hidden=[7, 5], img_size=4, num_classes=3)
    ours.load_state_dict(typed.state_dict(), strict=True)
    images = torch.rand(2, 1, 4, 4)
    torch.testing.assert_close(ours(images), typed(images))
    state = typed.state_dict()
    for weights, problem in (
        ({key: value for key, value in state.items() if key != "3.bias"}, "'3.bias' is missing"),
        (state | {"6.weight": state["5.weight"]}, "'6.weight' has no counterpart in it"),
        ({key: value for key, value in state.items() if key[0] != "5"}, "they have nothing for 'layers.fc3.bias'"),
        (state | {"1.weight": torch.zeros(8, 16)}, r"'1.weight' is 8 x 16, not 7 x 16 \(see .*\)"),
    ):
        with pytest.raises(ValueError, match=f"^these weights do not fit Perceptron: {problem}$"):
            ours.load_state_dict(weights)
