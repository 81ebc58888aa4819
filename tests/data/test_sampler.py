"""Samplers: every image once, or equally many images of every class."""

from __future__ import annotations

import pytest
import torch

from convscope.data.sampler import balanced, shuffled


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


LABELS = torch.tensor([0] * 90 + [1] * 7 + [2] * 4)[torch.randperm(101, generator=torch.Generator().manual_seed(3))]


def test_shuffled_shows_every_image_once():
    assert shuffled(LABELS, generator()).sort().values.tolist() == list(range(101))


@pytest.mark.parametrize("seed", range(5))
def test_balanced_shows_classes_equally_often_and_images_of_a_class_too(seed):
    order = balanced(LABELS, generator(seed))
    assert len(order) == 101
    shown = LABELS[order].bincount()
    assert sorted(shown.tolist()) == [33, 34, 34]
    times = order.bincount(minlength=101)
    for label in range(3):
        own = times[label == LABELS]
        assert own.max() - own.min() <= 1
    assert times.max() in (8, 9)  # 4 images are shown 33 or 34 times in all


def test_classes_are_mixed_and_epochs_differ():
    first, second = balanced(LABELS, generator(1)), balanced(LABELS, generator(2))
    assert not torch.equal(first, second) and torch.equal(first, balanced(LABELS, generator(1)))
    assert len(LABELS[first][:30].unique()) == 3
