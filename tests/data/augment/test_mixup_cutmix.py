"""Mixup and CutMix against the papers' formulas, image by image, and the distribution of their shares."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from convscope.data.augment.mixup_cutmix import cutmix, mixer, mixup, random_box, random_share

from .images import channels_last, generator

IMAGES = torch.randn(10, 3, 12, 9, generator=generator(1))
LABELS = torch.arange(10)


@pytest.mark.parametrize("images", [IMAGES, channels_last(IMAGES), IMAGES[:, :1], IMAGES[:1]])
def test_mixup_is_a_weighted_mean_of_images_and_labels(images):
    labels, before = LABELS[: len(images)], images.clone()
    mixed, targets = mixup(images, labels, generator(), 0.8)
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
        random = generator(seed)
        share = random_share(random, 1.0)
        torch.randperm(len(images), generator=random)
        top, bottom, left, right = random_box(*images.shape[2:], share, random)
        mixed, targets = cutmix(images, labels, generator(seed), 1.0)
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
    random = generator()
    shares = [random_share(random, alpha) for _ in range(1500)]
    assert stats.kstest(shares, stats.beta(alpha, alpha).cdf).pvalue > 0.01
    again = generator()
    assert shares[:3] == [random_share(again, alpha) for _ in range(3)] and shares[0] != random_share(
        generator(1), alpha
    )


def test_without_an_alpha_nothing_is_mixed():
    for mix in (mixup, cutmix):
        mixed, targets = mix(IMAGES, LABELS, generator(), 0)
        assert torch.equal(mixed, IMAGES) and targets.share == 1


def test_boxes_have_the_papers_size_and_a_centre_anywhere():
    random = generator()
    boxes = np.array([random_box(100, 60, 0.75, random) for _ in range(3000)])
    top, bottom, left, right = boxes.T
    assert top.min() == 0 and bottom.max() == 100 and left.min() == 0 and right.max() == 60
    cut = math.sqrt(0.25)
    assert (bottom - top).max() == 100 * cut and (right - left).max() == 60 * cut
    # Centres in the outer quarters make boxes that the edge cuts, on average by a quarter of their side.
    assert (bottom - top).mean() == pytest.approx(100 * cut * (1 - 0.5 * 0.5 / 2), rel=0.02)
    assert random_box(10, 10, 1.0, generator())[0] == random_box(10, 10, 1.0, generator())[1]
    whole = random_box(9, 9, 0.0, generator())
    assert 0 <= whole[0] < whole[1] <= 9


def test_one_pixel_can_be_mixed():
    for mix in (mixup, cutmix):
        mixed, targets = mix(torch.randn(4, 1, 1, 1), LABELS[:4], generator(), 1.0)
        assert mixed.shape == (4, 1, 1, 1) and 0 <= targets.share <= 1


def test_the_alphas_of_a_recipe_choose_mixup_and_cutmix():
    assert mixer(0, 0) is None
    seen = set()
    for alphas in ((0.5, 0), (0, 0.5), (0.5, 0.5)):
        random, mix = generator(), mixer(*alphas)
        for _ in range(20):
            mixed, targets = mix(IMAGES, LABELS, random)
            blended = targets.share * IMAGES + (1 - targets.share) * IMAGES[targets.second]
            if 0.02 < targets.share < 0.98 and not torch.equal(targets.first, targets.second):
                seen.add((alphas, bool(torch.isclose(mixed, blended, atol=1e-5).all())))
    assert seen == {((0.5, 0), True), ((0, 0.5), False), ((0.5, 0.5), True), ((0.5, 0.5), False)}
