"""The fast network for photos: counts by hand, whitening, and what the trainer does with it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

import convscope as cs
from convscope.models.cifar_fast import CifarFast


def test_counts_by_hand():
    """Convolutions without bias; whitening kernels count, norms have a shift but no scale."""
    kernels = 24 * 12 + 9 * (24 * 64 + 64 * 64 + 64 * 256 + 3 * 256 * 256)
    cifar = kernels + 2 * (64 + 256 + 256) + 2560
    assert sum(p.numel() for p in cs.create_model("cifar_fast").parameters()) == cifar == 1_971_616


@pytest.mark.parametrize("channels", [1, 3])
def test_whitening_makes_patches_white(channels):
    """What the first half of the kernels says of the data is uncorrelated, and of nearly the same strength."""
    generator = torch.Generator().manual_seed(0)
    images = F.avg_pool2d(torch.randn(200, channels, 24, 24, generator=generator), 3, stride=1)
    images = images @ torch.diag(torch.linspace(0.5, 2, images.shape[-1]))
    network = CifarFast(in_channels=channels)
    network.prepare(images)
    assert not network.whiten.weight.requires_grad
    half = 4 * channels
    seen = network.whiten(images).detach().transpose(0, 1).flatten(1).double()
    torch.testing.assert_close(seen[half:], -seen[:half])
    moments = seen[:half] @ seen[:half].T / seen.shape[1]
    strength = moments.diagonal()
    torch.testing.assert_close(moments, torch.diag(strength), atol=1e-4, rtol=0)
    assert strength.min() > 0.9 and strength.max() < 1 + 1e-4


def test_images_of_one_colour_do_no_harm():
    network = CifarFast()
    network.prepare(torch.full((4, 3, 16, 16), 0.7))
    assert network.whiten.weight.isfinite().all()


@pytest.mark.parametrize("size", [9, 16, 32, 50])
def test_any_size_from_9_on(size):
    assert CifarFast(num_classes=4)(torch.zeros(2, 3, size, size)).shape == (2, 4)
    with pytest.raises(ValueError, match="at least 9 x 9"):
        CifarFast()(torch.zeros(2, 3, 8, 9))


@pytest.mark.slow
def test_the_trainer_prepares_it_once_and_keeps_the_kernels(tmp_path):
    options = {"output": tmp_path, "show": False, "precision": "float32", "layout": "contiguous", "progressive": True}
    options |= {"schedule": "constant", "optimizer": "muon", "lr": 0.1, "momentum": 0.6, "batch_size": 128}
    digits = cs.load_data("digits")
    few = replace(digits, splits={name: split.take(range(40)) for name, split in digits.splits.items()})
    whole = cs.train(few, "cifar_fast", epochs=2, **options)
    kernels = whole.classifier.network.whiten.weight
    eye = torch.cat([kernels[:4], -kernels[:4]])
    assert torch.equal(kernels, eye)  # white, with both signs, and no step has changed it
    longer = cs.resume(cs.train(few, "cifar_fast", epochs=1, **options).folder, data=few, epochs=2, show=False)
    assert torch.equal(longer.classifier.network.whiten.weight, kernels)
    with pytest.raises(cs.UsageError, match="progressive"):
        cs.train("digits", "mnist_fast", progressive=True, epochs=1, output=tmp_path, show=False)
