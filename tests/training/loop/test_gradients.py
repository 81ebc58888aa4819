"""The gradients of a batch do not depend on the number of parts in which it is computed."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from convscope.data.augment.mixup_cutmix import Mixed
from convscope.distributed import ALONE
from convscope.task import classification_loss
from convscope.training.hardware.runtime import choose_runtime
from convscope.training.loop.gradients import add_gradients, clear_gradients, parts_of_batch
from convscope.training.recipe.recipe import Recipe

IMAGES, LABELS = torch.randn(10, 1, 6, 6), torch.arange(10) % 3


WEIGHTS = torch.tensor([0.5, 3.0, 1.0])


def gradients(
    parts: int, labels: torch.Tensor | Mixed, weights: torch.Tensor | None = None
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    torch.manual_seed(1)
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))
    recipe = Recipe(accumulate=parts, label_smoothing=0.1)
    context = SimpleNamespace(recipe=recipe, runtime=choose_runtime("cpu", "float32", "contiguous"), processes=ALONE)
    scaler = context.runtime.gradient_scaler()
    loss = partial(classification_loss, weight=weights)
    figures = add_gradients(context, network, loss, scaler, (IMAGES, labels), weights=weights)
    return figures, [parameter.grad for parameter in network.parameters()]


@pytest.mark.parametrize("labels", [LABELS, Mixed(LABELS, LABELS.flip(0), 0.3)], ids=["plain", "mixed"])
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["equal", "balanced"])
@pytest.mark.parametrize("parts", [2, 3, 10, 99])
def test_parts_give_the_gradients_of_the_whole(parts, weights, labels):
    """Of the weighted mean, too, which is that over the whole batch: parts have other shares of rare classes."""
    whole, some = gradients(1, labels, weights), gradients(parts, labels, weights)
    torch.testing.assert_close(some[0], whole[0])
    for a, b in zip(some[1], whole[1], strict=True):
        torch.testing.assert_close(a, b)


def test_the_weighted_mean_is_pytorchs():
    figures, _ = gradients(3, LABELS, WEIGHTS)
    torch.manual_seed(1)
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))
    expected = F.cross_entropy(network(IMAGES), LABELS, WEIGHTS, label_smoothing=0.1)
    torch.testing.assert_close(figures[0], expected.detach())


def test_parts_differ_by_one_image_at_most():
    sizes = [len(images) for images, _ in parts_of_batch(IMAGES, LABELS, 4)]
    assert sizes == [3, 3, 2, 2]


@pytest.mark.parametrize("keep", [False, True])
def test_gradients_are_forgotten_or_set_to_zero_in_the_same_tensors(keep):
    """CUDA graphs overwrite the gradients that they made, so that what adds up must lie outside them."""
    layer = nn.Linear(2, 2)
    layer.bias.requires_grad_(False)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    for _ in range(2):
        clear_gradients(optimizer, keep)
        before = layer.weight.grad
        assert (before is not None) == keep and (before is None or not before.any()) and layer.bias.grad is None
        layer(torch.ones(3, 2)).sum().backward()
        assert torch.equal(layer.weight.grad, torch.full((2, 2), 3.0)) and (layer.weight.grad is before) == keep
