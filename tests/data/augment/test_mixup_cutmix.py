"""Mixup and CutMix by the papers' formulas, image by image, and how their shares are spread."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from convscope.data.augment.mixup_cutmix import cutmix, draw_box, draw_share, mixer, mixup

from .test_registry import channels_last, coin

IMAGES = torch.randn(10, 3, 12, 9, generator=coin(1))
LABELS = torch.arange(10)


@pytest.mark.parametrize("images", [IMAGES, channels_last(IMAGES), IMAGES[:, :1], IMAGES[:1]])
def test_mixup_is_a_weighted_mean_of_images_and_labels(images):
    labels, before = LABELS[: len(images)], images.clone()
    mixed, targets = mixup(images, labels, coin(), 0.8)
    assert torch.equal(targets.first, labels) and 0 <= targets.share <= 1
    assert torch.equal(targets.second.sort().values, labels) and torch.equal(images, before)
    for i, partner in enumerate(targets.second.tolist()):
        expected = targets.share * images[i] + (1 - targets.share) * images[partner]
        torch.testing.assert_close(mixed[i], expected)
    assert mixed.stride() == images.stride() or images.shape[1] == 1


@pytest.mark.parametrize("images", [IMAGES, channels_last(IMAGES), IMAGES[:, :1], IMAGES[:1]])
def test_cutmix_pastes_one_box_and_weighs_by_what_is_left(images):
    labels, before = LABELS[: len(images)], images.clone()
    for seed in range(30):
        chance = coin(seed)
        share = draw_share(chance, 1.0)
        torch.randperm(len(images), generator=chance)
        top, bottom, left, right = draw_box(*images.shape[2:], share, chance)
        mixed, targets = cutmix(images, labels, coin(seed), 1.0)
        expected = images.clone()
        for i, partner in enumerate(targets.second.tolist()):
            expected[i, :, top:bottom, left:right] = images[partner, :, top:bottom, left:right]
        assert torch.equal(mixed, expected) and torch.equal(targets.first, labels) and torch.equal(images, before)
        own = torch.ones(images.shape[2:])
        own[top:bottom, left:right] = 0
        assert targets.share == pytest.approx(float(own.mean()))
        assert mixed.stride() == images.stride() or images.shape[1] == 1


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_shares_are_beta_distributed(alpha):
    chance = coin()
    shares = [draw_share(chance, alpha) for _ in range(1500)]
    assert stats.kstest(shares, stats.beta(alpha, alpha).cdf).pvalue > 0.01
    again = coin()
    assert shares[:3] == [draw_share(again, alpha) for _ in range(3)] and shares[0] != draw_share(coin(1), alpha)


def test_without_an_alpha_nothing_is_mixed():
    for mix in (mixup, cutmix):
        mixed, targets = mix(IMAGES, LABELS, coin(), 0)
        assert torch.equal(mixed, IMAGES) and targets.share == 1


def test_boxes_have_the_papers_size_and_a_centre_anywhere():
    chance = coin()
    boxes = np.array([draw_box(100, 60, 0.75, chance) for _ in range(3000)])
    top, bottom, left, right = boxes.T
    assert top.min() == 0 and bottom.max() == 100 and left.min() == 0 and right.max() == 60
    cut = math.sqrt(0.25)
    assert (bottom - top).max() == 100 * cut and (right - left).max() == 60 * cut
    # A quarter at either end reaches over the edge and is cut to half on average.
    assert (bottom - top).mean() == pytest.approx(100 * cut * (1 - 0.5 * 0.5 / 2), rel=0.02)
    assert draw_box(10, 10, 1.0, coin())[0] == draw_box(10, 10, 1.0, coin())[1]
    whole = draw_box(9, 9, 0.0, coin())
    assert 0 <= whole[0] < whole[1] <= 9


def test_one_pixel_can_be_mixed():
    for mix in (mixup, cutmix):
        mixed, targets = mix(torch.randn(4, 1, 1, 1), LABELS[:4], coin(), 1.0)
        assert mixed.shape == (4, 1, 1, 1) and 0 <= targets.share <= 1


def test_a_recipes_alphas_say_what_is_mixed():
    assert mixer(0, 0) is None
    kinds = set()
    for alphas in ((0.5, 0), (0, 0.5), (0.5, 0.5)):
        chance, mix = coin(), mixer(*alphas)
        for _ in range(20):
            mixed, targets = mix(IMAGES, LABELS, chance)
            blended = targets.share * IMAGES + (1 - targets.share) * IMAGES[targets.second]
            if 0.02 < targets.share < 0.98 and not torch.equal(targets.first, targets.second):
                kinds.add((alphas, bool(torch.isclose(mixed, blended, atol=1e-5).all())))
    assert kinds == {((0.5, 0), True), ((0, 0.5), False), ((0.5, 0.5), True), ((0.5, 0.5), False)}
