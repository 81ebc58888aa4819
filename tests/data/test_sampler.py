"""The order of training images: every one once, or as many of every class."""

from __future__ import annotations

import pytest
import torch

from convscope.data.sampler import balanced, shuffled


def coin(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


LABELS = torch.tensor([0] * 90 + [1] * 7 + [2] * 4)[torch.randperm(101, generator=torch.Generator().manual_seed(3))]


def test_shuffled_is_every_image_once():
    assert shuffled(LABELS, coin()).sort().values.tolist() == list(range(101))


@pytest.mark.parametrize("seed", range(5))
def test_balanced_shows_as_many_of_every_class_and_within_one_all_alike(seed):
    order = balanced(LABELS, coin(seed))
    assert len(order) == 101
    shown = LABELS[order].bincount()
    assert sorted(shown.tolist()) == [33, 34, 34]
    times = order.bincount(minlength=101)
    for label in range(3):
        own = times[label == LABELS]
        assert own.max() - own.min() <= 1
    assert times.max() in (8, 9)  # 33 or 34 draws of 4 images


def test_the_classes_come_mixed_and_other_epochs_differ():
    first, second = balanced(LABELS, coin(1)), balanced(LABELS, coin(2))
    assert not torch.equal(first, second) and torch.equal(first, balanced(LABELS, coin(1)))
    assert len(LABELS[first][:30].unique()) == 3
