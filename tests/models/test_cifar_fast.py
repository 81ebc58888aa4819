"""The fast network for photos: counts by hand, whitening, and what the trainer does with it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

import convscope as cs
from convscope.errors import UsageError
from convscope.models.cifar_fast import CifarFast, cifar_fast


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


def test_an_ensemble_answers_with_the_mean_of_its_members():
    torch.manual_seed(0)
    network, images, labels = (
        cifar_fast(num_classes=4, width=0.5, members=3),
        torch.randn(6, 3, 16, 16),
        torch.arange(6) % 4,
    )
    alone = [CifarFast(num_classes=4, width=0.5) for _ in range(3)]
    for number, member in enumerate(alone):
        state = network.state_dict()
        member.load_state_dict({
            name: state[name] if name in state else state[re.sub(r"^(block\d|head)", rf"\1.{number}", name)]
            for name in member.state_dict()
        })  # fmt: skip
    logits = [member(images) for member in alone]
    outputs = network(images)
    for one, other in zip(outputs[1:], logits, strict=True):
        torch.testing.assert_close(one, other)
    torch.testing.assert_close(outputs[0].exp(), torch.stack(logits).softmax(2).mean(0))
    losses = [F.cross_entropy(one, labels, label_smoothing=0.1) for one in logits]
    torch.testing.assert_close(network.loss(outputs, labels, label_smoothing=0.1), sum(losses) / 3)
    network.eval()
    answers = network(images)
    torch.testing.assert_close(network.loss(answers, labels), -answers[torch.arange(6), labels].mean())


def test_an_ensemble_gives_one_class_per_image():
    network = cifar_fast(num_classes=4, members=2)
    with pytest.raises(UsageError, match="one class per image, not several labels: leave members out"):
        network.loss(torch.zeros(2, 4), torch.zeros(2, 4))
    with pytest.raises(UsageError, match="members"):
        cs.create_model("cifar_fast", members=0)


@pytest.mark.parametrize("option", ["members", "stride", "blocks"])
@pytest.mark.parametrize("value", ["two", 1.5])
def test_a_count_that_is_no_whole_number_is_named(option, value):
    with pytest.raises(UsageError, match=f"cifar_fast: {option} must be a whole number, not {value!r}"):
        cs.create_model("cifar_fast", **{option: value})
