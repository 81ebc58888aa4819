"""What can be varied in any network: activations, pooling, initialisation, first kernels."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

import convscope as cs
from convscope.models.tools.layers import ACTIVATIONS, SumPool2d
from convscope.models.tools.variations import initialise, set_activation, set_pooling

IMAGES = torch.randn(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_can_be_chosen(name):
    network = cs.create_model("lenet_relu", activation=name)
    kind = type(ACTIVATIONS[name]())
    assert sum(type(m) is kind for m in network.modules()) == 4
    assert not [m for m in network.modules() if isinstance(m, nn.ReLU)] or name == "relu"
    assert network(IMAGES).shape == (2, 10)
    assert cs.create_model("resnet18", activation=name, in_channels=1)(IMAGES).shape == (2, 1000)


def test_an_exchanged_activation_is_the_function():
    torch.manual_seed(0)
    network = cs.create_model("lenet_relu").eval()
    set_activation(network, "silu")
    maps = network.features[0](IMAGES)
    torch.testing.assert_close(network.features[1](maps), maps * torch.sigmoid(maps))


@pytest.mark.parametrize(
    ("name", "expected"), [("max", [[6, 8], [3, 4]]), ("avg", [[3.25, 5.25], [2, 2]]), ("sum", [[13, 21], [8, 8]])]
)
def test_pooling_of_the_tutorials_example(name, expected):
    """The blog's picture: 1124/5678/3210/1234."""
    picture = torch.tensor([[1.0, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]])[None, None]
    network = nn.Sequential(nn.MaxPool2d(2))
    assert set_pooling(network, name) == 1
    assert network(picture)[0, 0].tolist() == expected


def test_the_geometry_of_a_window_stays():
    network = nn.Sequential(nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True))
    shape = network(IMAGES).shape
    for name in ("avg", "sum", "max"):
        set_pooling(network, name)
        assert network(IMAGES).shape == shape


def test_sum_is_four_times_the_average():
    torch.testing.assert_close(SumPool2d(2)(IMAGES), 4 * nn.AvgPool2d(2)(IMAGES))


@pytest.mark.parametrize("name", ["lenet_relu", "lenet_sigmoid", "mnist_cnn"])
@pytest.mark.parametrize("pooling", ["max", "avg", "sum"])
def test_pooling_can_be_chosen_in_the_small_networks(name, pooling):
    side = 32 if name == "lenet_relu" else 28
    network = cs.create_model(name, pooling=pooling)
    kind = {"max": nn.MaxPool2d, "avg": nn.AvgPool2d, "sum": SumPool2d}[pooling]
    assert sum(type(m) is kind for m in network.modules()) == 2
    assert network(torch.zeros(1, 1, side, side)).shape == (1, 10)


def test_initialisations_have_their_deviations():
    torch.manual_seed(0)
    layer = nn.Conv2d(64, 128, 3)
    fan_in, fan_out = 64 * 9, 128 * 9
    expected = {
        "kaiming": math.sqrt(2 / fan_in),
        "xavier": math.sqrt(2 / (fan_in + fan_out)),
        "lecun": 2.4 / fan_in / math.sqrt(3),
        "normal": 0.01,
    }
    for name, deviation in expected.items():
        initialise(nn.Sequential(layer), name)
        assert float(layer.weight.detach().std()) == pytest.approx(deviation, rel=0.02)
        assert float(layer.weight.detach().mean().abs()) < 0.05 * deviation and not layer.bias.any()


def test_kaiming_keeps_the_variance_through_depth_and_small_normals_lose_it():
    spread = {}
    for name in ("kaiming", "normal"):
        torch.manual_seed(0)
        layers = [m for _ in range(20) for m in (nn.Linear(256, 256), nn.ReLU())]
        network = nn.Sequential(*layers)
        initialise(network, name)
        spread[name] = float(network(torch.randn(64, 256)).std().detach())
    assert 0.1 < spread["kaiming"] < 10 and spread["normal"] < 1e-10


def test_first_kernels_by_name():
    network = cs.create_model("lenet_relu", first_kernels="gabor-fixed")
    assert not network.features[0].weight.requires_grad
    assert cs.create_model("lenet_relu", first_kernels="haar").features[0].weight.requires_grad


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("lenet_relu", {"activation": "swoosh"}, "unknown activation 'swoosh'; choose one of sigmoid"),
        ("lenet_relu", {"pooling": "median"}, "unknown pooling 'median'; choose one of max, avg, sum"),
        ("lenet_relu", {"init": "zeros"}, "unknown init 'zeros'; choose one of kaiming, xavier, lecun, normal"),
        (
            "lenet_relu",
            {"first_kernels": "sobel"},
            "unknown first_kernels 'sobel'; choose one of gabor, gabor-fixed, haar",
        ),
        ("lenet5", {"activation": "relu"}, "LeNet5 has no activation that could be exchanged"),
        ("mlp", {"pooling": "avg"}, "Perceptron has no pooling layer that could be exchanged"),
    ],
)
def test_what_cannot_be_varied_is_one_line(model, options, message):
    with pytest.raises(cs.UsageError, match=message):
        cs.create_model(model, **options)


def test_a_varied_network_is_saved_and_loaded(tmp_path):
    options = ["activation", "pooling"]
    run = cs.train(
        "digits",
        "lenet_relu",
        epochs=1,
        output=tmp_path,
        show=False,
        model_args={"activation": "elu", "pooling": "avg"},
    )
    again = cs.load(run.folder)
    assert all(option in again.model_args for option in options)
    assert sum(isinstance(m, nn.ELU) for m in again.network.modules()) == 4
