"""The gradients of a batch do not depend on the number of parts in which it is computed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from convscope.data.augment.mixup_cutmix import Mixed
from convscope.distributed import ALONE
from convscope.task import classification_loss
from convscope.training.gradients import add_gradients, parts_of_batch
from convscope.training.recipe import Recipe
from convscope.training.runtime import choose_runtime

IMAGES, LABELS = torch.randn(10, 1, 6, 6), torch.arange(10) % 3


def gradients(parts: int, labels: torch.Tensor | Mixed) -> tuple[torch.Tensor, list[torch.Tensor]]:
    torch.manual_seed(1)
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))
    recipe = Recipe(accumulate=parts, label_smoothing=0.1)
    context = SimpleNamespace(recipe=recipe, runtime=choose_runtime("cpu", "float32", "contiguous"), processes=ALONE)
    scaler = context.runtime.gradient_scaler()
    figures = add_gradients(context, network, classification_loss, scaler, (IMAGES, labels), 0.5)
    return figures, [parameter.grad for parameter in network.parameters()]


@pytest.mark.parametrize("labels", [LABELS, Mixed(LABELS, LABELS.flip(0), 0.3)], ids=["plain", "mixed"])
@pytest.mark.parametrize("parts", [2, 3, 10, 99])
def test_parts_give_the_gradients_of_the_whole(parts, labels):
    whole, some = gradients(1, labels), gradients(parts, labels)
    torch.testing.assert_close(some[0], whole[0])
    for a, b in zip(some[1], whole[1], strict=True):
        torch.testing.assert_close(a, b)


def test_parts_differ_by_one_image_at_most():
    sizes = [len(images) for images, _ in parts_of_batch(IMAGES, LABELS, 4)]
    assert sizes == [3, 3, 2, 2]
