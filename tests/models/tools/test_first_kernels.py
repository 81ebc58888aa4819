"""Gabor and Haar kernels: what makes them what they are, and what a network does with them."""

from __future__ import annotations

from math import pi

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import convscope as cs
from convscope.models.tools.first_kernels import gabor_bank, haar_bank, haar_basis, set_first_kernels

SHAPES = [(64, 3, 7), (96, 3, 11), (64, 3, 11), (6, 1, 5), (16, 1, 3), (32, 3, 3), (64, 3, 3), (1, 3, 7), (5, 2, 4)]


@pytest.mark.parametrize("bank", [gabor_bank, haar_bank])
@pytest.mark.parametrize("shape", SHAPES)
def test_kernels_have_mean_zero_and_norm_one(bank, shape):
    out, inputs, size = shape
    kernels = bank(out, inputs, size)
    assert kernels.shape == (out, inputs, size, size) and kernels.dtype == torch.float32
    torch.testing.assert_close(kernels.sum((1, 2, 3)), torch.zeros(out), atol=1e-5, rtol=0)
    torch.testing.assert_close(kernels.flatten(1).norm(dim=1), torch.ones(out))


# Haar


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 7, 8, 11])
def test_haar_is_an_orthonormal_basis_of_any_length(length):
    basis = haar_basis(length)
    torch.testing.assert_close(basis @ basis.T, torch.eye(length, dtype=torch.float64))
    assert (basis[0] > 0).all()


def test_haar_of_four_is_the_textbooks():
    h, s = 0.5, 0.5**0.5
    expected = torch.tensor([[h, h, h, h], [h, h, -h, -h], [s, -s, 0, 0], [0, 0, s, -s]], dtype=torch.float64)
    torch.testing.assert_close(haar_basis(4), expected)


@pytest.mark.parametrize(("inputs", "size"), [(1, 5), (3, 3), (3, 7), (3, 11), (1, 2)])
def test_haar_kernels_are_at_right_angles_and_complete(inputs, size):
    count = inputs * size * size - 1
    kernels = haar_bank(count, inputs, size).double().flatten(1)
    torch.testing.assert_close(kernels @ kernels.T, torch.eye(count, dtype=torch.float64), atol=1e-6, rtol=0)
    # With the constant they say everything about a patch.
    patch = torch.randn(inputs * size * size, dtype=torch.float64)
    torch.testing.assert_close(kernels.T @ (kernels @ patch) + patch.mean(), patch, atol=1e-5, rtol=0)


def test_the_first_haar_kernels_are_edges_and_a_checkerboard():
    kernels = haar_bank(3, 1, 4)[:, 0] * 4
    half = torch.tensor([1.0, 1, -1, -1])
    expected = torch.stack([half.expand(4, 4), half[:, None].expand(4, 4), half * half[:, None]])
    torch.testing.assert_close(kernels, expected)


def test_haar_kernels_come_in_grey_then_in_colour_then_negated():
    kernels = haar_bank(60, 3, 3)
    assert torch.equal(kernels[:8, 0], kernels[:8, 1]) and torch.equal(kernels[:8, 0], kernels[:8, 2])
    torch.testing.assert_close(kernels[8:26].sum(1), torch.zeros(18, 3, 3), atol=1e-6, rtol=0)
    assert torch.equal(kernels[26:52], -kernels[:26]) and torch.equal(kernels[52:], kernels[:8])


# Gabor


def waves(out: int, size: int) -> tuple[Tensor, Tensor]:
    bank = gabor_bank(out, 1, size)[:, 0]
    return bank[0::2], bank[1::2]


@pytest.mark.parametrize("size", [3, 5, 7, 8, 11])
def test_gabor_kernels_are_even_and_odd_pairs(size):
    even, odd = waves(32, size)
    turned = [kernels.flip(1, 2) for kernels in (even, odd)]
    torch.testing.assert_close(turned[0], even)
    torch.testing.assert_close(turned[1], -odd)
    torch.testing.assert_close((even * odd).sum((1, 2)), torch.zeros(16), atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", [3, 5, 8, 11])
def test_a_gabor_kernel_turned_by_a_right_angle_is_the_one_four_further(size):
    even, odd = waves(16, size)
    for kernels in (even, odd):
        quarter = kernels[:4].rot90(-1, (1, 2))  # the y axis points down
        torch.testing.assert_close(quarter, kernels[4:])


@pytest.mark.parametrize("size", [7, 11])
def test_a_gabor_kernel_answers_its_own_orientation_most(size):
    even, odd = waves(16, size)
    across = torch.arange(size) - (size - 1) / 2
    y, x = torch.meshgrid(across, across, indexing="ij")
    for i in range(8):
        angle = torch.tensor(pi * i / 8)
        phase = 2 * pi / (size / 2) * (x * angle.cos() + y * angle.sin())
        energy = sum((kernels * phase.cos()).sum((1, 2)) ** 2 for kernels in (even, odd))
        energy = energy + sum((kernels * phase.sin()).sum((1, 2)) ** 2 for kernels in (even, odd))
        assert int(energy.argmax()) == i
        assert energy[(i + 4) % 8] < 0.1 * energy[i]


def test_gabor_scales_go_from_long_waves_to_short_ones():
    even, _ = waves(96, 11)  # 48 waves: 8 orientations, 6 scales
    spectrum = torch.fft.fft2(even[0::8], s=(64, 64)).abs()[:, 0, :32]  # orientation 0 of each scale, along x
    peaks = spectrum.argmax(1).tolist()
    assert len(peaks) == 6 and peaks == sorted(peaks) and peaks[0] < 0.6 * peaks[-1]
    bank = gabor_bank(96, 1, 11).flatten(1)
    assert float((bank @ bank.T - torch.eye(96)).abs().max()) < 0.999  # no two are the same


def test_gabor_kernels_ignore_colour_but_not_brightness():
    kernels = gabor_bank(8, 3, 5)
    assert torch.equal(kernels[:, 0], kernels[:, 1]) and torch.equal(kernels[:, 0], kernels[:, 2])
    flat = torch.tensor([0.9, 0.1, 0.4]).view(1, 3, 1, 1).expand(1, 3, 9, 9)
    torch.testing.assert_close(F.conv2d(flat, kernels), torch.zeros(1, 8, 5, 5), atol=1e-6, rtol=0)


def test_too_small_kernels_are_refused():
    with pytest.raises(ValueError, match="at least 3 x 3 pixels, not 1 x 1"):
        gabor_bank(4, 3, 1)
    with pytest.raises(ValueError, match="more than one pixel or channel"):
        haar_bank(4, 1, 1)


# In a network


@pytest.mark.parametrize(
    ("name", "path"),
    [("resnet18", "conv1"), ("densenet40_k12", "features.conv0"), ("lenet_relu", "features.0"), ("lenet5", "C1"),
     ("efficientnet_b0", "features.0.0")],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["gabor", "haar"])
def test_the_first_layer_of_any_network(name, path, kind):
    torch.manual_seed(0)
    network = cs.create_model(name)
    layer = network.get_submodule(path)
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    size = layer.weight.flatten(1).norm(dim=1).mean().detach()
    assert set_first_kernels(network, kind) == path
    changed = {key for key, tensor in network.state_dict().items() if not torch.equal(tensor, before[key])}
    assert f"{path}.weight" in changed and changed <= {f"{path}.weight", f"{path}.bias"}
    norms = layer.weight.detach().flatten(1).norm(dim=1)
    torch.testing.assert_close(norms, size.expand_as(norms), rtol=1e-4, atol=1e-6)
    assert layer.bias is None or not layer.bias.any()


def sgd_step(network: nn.Module) -> None:
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    F.cross_entropy(network(torch.randn(4, 1, 28, 28)), torch.arange(4)).backward()
    optimizer.step()


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("kind", ["gabor", "haar"])
def test_a_frozen_layer_stays_and_another_learns(kind, frozen):
    torch.manual_seed(0)
    network = cs.create_model("mnist_cnn")
    path = set_first_kernels(network, kind, frozen)
    assert path == "layer1.0"
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    sgd_step(network)
    moved = {key for key, tensor in network.state_dict().items() if not torch.equal(tensor, before[key])}
    own = {"layer1.0.weight", "layer1.0.bias"}
    assert moved == set(before) - own if frozen else moved == set(before)
    parameters = cs.summary(network, (1, 28, 28)).parameters
    assert parameters == 2_327_818 - (160 if frozen else 0)


def test_what_cannot_be_is_one_line():
    with pytest.raises(ValueError, match=r"^unknown kernels 'sobel'; choose gabor or haar$"):
        set_first_kernels(cs.create_model("lenet_relu"), "sobel")
    with pytest.raises(ValueError, match=r"^Perceptron has no convolution$"):
        set_first_kernels(cs.create_model("mlp"), "haar")
    with pytest.raises(ValueError, match=r"^kernels must be square; those of 0 are 1 x 3$"):
        set_first_kernels(nn.Sequential(nn.Conv2d(1, 2, (1, 3))), "haar")


def test_a_network_in_two_parts_is_refused():
    whole = cs.create_model("alexnet_2012", num_classes=3)
    assert set_first_kernels(whole, "gabor") == "features.0"
    parts = cs.create_model("alexnet_2012", num_classes=3, devices=("cpu", "cpu"))
    with pytest.raises(ValueError, match="has its first layer in parts"):
        set_first_kernels(parts, "gabor")
