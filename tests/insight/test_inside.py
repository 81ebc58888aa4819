"""Gradients, kernels, statistics, patches, deconvnet and maximisation, each against autograd or a sum by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

import convscope as cs
from convscope.insight import (
    activating_patches,
    channel_statistics,
    colour_kernels,
    deconvolve,
    gradients,
    kernels,
    layers_with_kernels,
    maximise,
    tile,
    trace,
)


@pytest.fixture
def images():
    return torch.randn(4, 3, 12, 12, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def network():
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 5, 3), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Conv2d(5, 4, 3), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(36, 3))


def test_gradients_are_autograds_also_before_in_place_layers(network, images):
    labels = torch.tensor([0, 1, 2, 0])
    found = gradients(network, images, labels)
    apart = nn.Sequential(*[nn.ReLU() if isinstance(layer, nn.ReLU) else layer for layer in network])
    values = [images.clone().requires_grad_()]
    for layer in apart:
        values.append(layer(values[-1]))
        values[-1].retain_grad()
    F.cross_entropy(values[-1], labels).backward()
    assert list(found) == ["input", *map(str, range(7))] == [node.name for node in trace(network, images).nodes]
    for ours, theirs in zip(found.values(), values, strict=True):
        torch.testing.assert_close(ours, theirs.grad)


def test_gradients_of_functions_additions_and_unused_layers(images):
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.unused = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 2, 1)

        def forward(self, x):
            self.unused(x)
            return F.relu_(self.a(x) + x).mean((2, 3))

    network = Two()
    found = gradients(network, images, 1)
    assert found["unused"].shape == (4, 2, 12, 12) and not found["unused"].any()
    torch.testing.assert_close(found["add"], found["a"])
    through = F.conv_transpose2d(found["a"], network.a.weight.detach())
    torch.testing.assert_close(found["input"], found["add"] + through)
    assert all(p.grad is None for p in network.parameters())


def test_a_loss_of_ones_own():
    network = cs.create_model("lenet5")
    images = torch.randn(2, 1, 32, 32)
    found = gradients(network, images, [3, 4], network.loss)
    leaf = images.clone().requires_grad_()
    (expected,) = torch.autograd.grad(network.loss(network(leaf), torch.tensor([3, 4])), leaf)
    torch.testing.assert_close(found["input"], expected)


def test_the_deconvnet_is_zfnets(network, images):
    """Unpool with the switches, rectify, transpose the kernels: written with torch's own unpooling."""
    first, second = network[0], network[3]
    for channel in range(4):
        with torch.no_grad():
            pooled, switches = F.max_pool2d(first(images).relu(), 2, return_indices=True)
            maps = second(pooled).relu()
            strongest = maps[:, channel].flatten(1).argmax(1)
            signal = torch.zeros_like(maps)
            for i, place in enumerate(strongest.tolist()):
                row, column = divmod(place, 3)
                signal[i, channel, row, column] = maps[i, channel, row, column]
            back = F.conv_transpose2d(signal.relu(), second.weight)
            back = F.max_unpool2d(back, switches, 2).relu()
            expected = F.conv_transpose2d(back, first.weight)
        torch.testing.assert_close(deconvolve(network, images, "4", channel), expected)
    chosen = deconvolve(network, images[:1], "4", 1, (0, 2))
    assert not chosen[..., :4].any() and chosen.shape == (1, 3, 12, 12)  # unit (0, 2) sees columns 4 to 11


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("9", 0), "'9'"), (("4", 7), "'4' has no channel 7: it has 4"), (("4", 0, (3, 0)), "maps of 3 x 3: no unit")],
)
def test_a_deconvnet_from_nowhere_is_refused(network, images, arguments, message):
    with pytest.raises(ValueError, match=message):
        deconvolve(network, images, *arguments)


def test_kernels_of_every_kind_of_layer():
    lenet = cs.create_model("lenet5")
    assert kernels(lenet, "C3").shape == (16, 6, 5, 5)  # with its connection table: 60 of 96 are there
    assert int((kernels(lenet, "C3").abs().sum((2, 3)) > 0).sum()) == 60
    assert kernels(lenet, "F6").shape == (84, 120, 1, 1)
    assert layers_with_kernels(lenet) == ["C1", "C3", "C5", "F6"]
    grouped = nn.Sequential(nn.Conv2d(4, 8, 3, groups=2))
    found = kernels(grouped, "0")
    assert found.shape == (8, 2, 3, 3) and found.equal(grouped[0].weight)
    found.zero_()
    assert grouped[0].weight.abs().sum() > 0  # a copy
    with pytest.raises(ValueError, match="unknown layer 'C2': did you mean C"):
        kernels(lenet, "C2")
    with pytest.raises(ValueError, match="'f1' has no kernels"):
        kernels(lenet, "f1")


def test_alexnets_kernels_are_eight_by_twelve():
    maps = np.arange(96, dtype=np.float32)[:, None, None] * np.ones((96, 11, 11), np.float32)
    picture = tile(maps, gap=2)
    assert picture.shape == (8 * 13 - 2, 12 * 13 - 2)
    assert picture[13, 0] == 12 and picture[0, 13] == 1 and np.isnan(picture[11, 0])
    assert tile(torch.rand(7, 3, 5, 5), columns=3, gap=0).shape == (15, 15, 3)
    assert tile(torch.rand(2, 4, 4), columns=9, gap=1).shape == (4, 9)
    with pytest.raises(ValueError, match="tile takes n x H x W"):
        tile(torch.rand(4, 4))
    colours = colour_kernels(torch.tensor([-2.0, 0, 1]).view(1, 3, 1, 1))
    assert colours.flatten().tolist() == [0, 0.5, 0.75]


def test_statistics_are_those_of_all_images_at_once(network, images):
    with torch.no_grad():
        network[0].weight[2].zero_()
        network[0].bias[2] = -1  # a map that the rectifier shuts for ever
    labels = torch.tensor([0, 1, 2, 0])
    found = channel_statistics(network, [(images[:3], labels[:3]), (images[3:], labels[3:])], F.cross_entropy)
    seen = trace(network, images)
    assert list(found) == [node.name for node in seen.nodes]
    for name, row in found.items():
        output = seen.output(name).double()
        assert row.mean == pytest.approx(float(output.mean()), abs=1e-7)
        assert row.deviation == pytest.approx(float(output.std(correction=0)), rel=1e-6)
        assert row.zeros == pytest.approx(float((output == 0).double().mean()))
        expected = output.transpose(0, 1).flatten(1).mean(1)
        assert row.channel_means == pytest.approx(expected.tolist(), abs=1e-7)
    assert found["1"].dead == found["2"].dead == (2,) and found["0"].dead == ()
    single = torch.cat([gradients(network, images[i : i + 1], labels[i : i + 1])["3"] for i in range(4)]).double()
    assert found["3"].gradient_mean == pytest.approx(float(single.mean()), rel=1e-4, abs=1e-9)
    assert found["3"].gradient_deviation == pytest.approx(float(single.std(correction=0)), rel=1e-4)
    assert channel_statistics(network, [images])["3"].gradient_mean is None
    with pytest.raises(ValueError, match="no images"):
        channel_statistics(network, [])
    with pytest.raises(ValueError, match="gradients need labels"):
        channel_statistics(network, [images], F.cross_entropy)


def test_patches_are_where_the_channel_is_strongest():
    """A channel that answers to a bright cross must bring back the crosses, brightest first."""
    network = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, bias=False))
    cross = torch.tensor([[0.0, 1, 0], [1, 1, 1], [0, 1, 0]])
    with torch.no_grad():
        network[0].weight[1, 0] = cross
    images = torch.zeros(5, 1, 9, 9)
    places = {0: (4, 4, 1.0), 2: (0, 8, 3.0), 3: (6, 2, 2.0)}
    for i, (row, column, brightness) in places.items():
        images[i, 0, row, column] = brightness
    found = activating_patches(network, images.split(2), "0", 1, count=3)
    assert [(p.image, p.value) for p in found] == [(2, 3.0), (3, 2.0), (0, 1.0)]
    for patch in found:
        row, column, brightness = places[patch.image]
        top, left, bottom, right = patch.box
        assert (bottom - top, right - left) == (3, 3) and patch.pixels.shape == (1, 3, 3)
        assert patch.pixels[0, row - top, column - left] == brightness and patch.pixels.sum() == brightness
    assert activating_patches(network, [images], "0", 1, count=3)[0].position == found[0].position
    with pytest.raises(ValueError, match="'0' has no channel 5"):
        activating_patches(network, [images], "0", 5)
    with pytest.raises(ValueError, match="'zero'"):
        activating_patches(network, [images], "zero", 0)


def test_patches_of_a_vector_are_the_whole_image(network, images):
    found = activating_patches(network, [images], "6", 1, count=2)
    expected = network(images)[:, 1].sort(descending=True)
    assert [p.image for p in found] == expected.indices[:2].tolist()
    assert found[0].pixels.equal(images[found[0].image])


def test_maximisation_excites_the_channel_more_than_any_noise(network):
    picture = maximise(network, "3", 2, (3, 12, 12), steps=40, seed=3)
    assert picture.equal(maximise(network, "3", 2, (3, 12, 12), steps=40, seed=3))
    assert not picture.equal(maximise(network, "3", 2, (3, 12, 12), steps=40, seed=4))
    assert picture.shape == (1, 3, 12, 12) and picture.min() >= -2 and picture.max() <= 2

    def excited(images):
        return network[:4](images)[:, 2].mean((1, 2)).detach()

    noise = torch.rand(500, 3, 12, 12) * 4 - 2
    assert excited(picture) > excited(noise).max()
    smooth = maximise(network, "3", 2, (3, 12, 12), steps=40, seed=3, variation=0.6)
    assert smooth.diff(dim=3).abs().mean() < picture.diff(dim=3).abs().mean()
    with pytest.raises(ValueError, match="'3' has no channel 4"):
        maximise(network, "3", 4, (3, 12, 12), steps=1)
    assert network.training and all(p.grad is None for p in network.parameters())


def test_a_photo_network_with_in_place_rectifiers():
    network = torchvision.models.resnet18()
    images = torch.rand(2, 3, 64, 64)
    found = gradients(network, images, [1, 2])
    assert len(found) == 70 and all(g.abs().sum() > 0 for g in found.values())
    assert deconvolve(network, images, "layer2.0.relu#2", 5).shape == images.shape
    assert maximise(network, "layer1.0.conv1", 0, (3, 64, 64), steps=2).shape == (1, 3, 64, 64)
    assert channel_statistics(network, [images])["relu"].zeros > 0.1
    assert all(not m._forward_hooks and m.training for m in network.modules())
