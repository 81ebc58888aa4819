"""Test-time augmentation: the views are what they say, and the answer is the mean over them."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.transforms.v2.functional import five_crop, ten_crop

import convscope as cs
from convscope.data import Preprocess
from convscope.evaluation.tta import VIEWS, flipped, frame_for, mean_logits, shifted, views_of


def test_shifted_views_move_by_one_pixel_and_repeat_edges():
    image = torch.arange(12.0).view(1, 1, 3, 4)
    same, up, down, left, right = shifted(image)
    assert torch.equal(same, image)
    for view, axis, step in ((up, 2, -1), (down, 2, 1), (left, 3, -1), (right, 3, 1)):
        places = (torch.arange(image.shape[axis]) + step).clamp(0, image.shape[axis] - 1)
        assert torch.equal(view, image.index_select(axis, places))


def test_flipped_views_are_the_image_and_its_mirror_image():
    image = torch.arange(12.0).view(1, 1, 3, 4)
    assert [view.tolist() for view in flipped(image)] == [image.tolist(), image[:, :, :, [3, 2, 1, 0]].tolist()]


@pytest.mark.parametrize(("name", "size"), [("five-crop", five_crop), ("ten-crop", ten_crop)])
def test_crops_are_torchvisions_enlarged(name, size):
    images = torch.randn(2, 3, 16, 32, generator=torch.Generator().manual_seed(0))
    views = VIEWS[name](images)
    expected = [F.interpolate(cut, (16, 32), mode="bilinear") for cut in size(images, [14, 28])]
    assert len(views) == len(expected)
    for cut in expected:  # torchvision gives the ten in another order
        assert sum(torch.allclose(view, cut, atol=1e-6) for view in views) == 1


@pytest.mark.parametrize(("name", "size"), [("five-crop", five_crop), ("ten-crop", ten_crop)])
def test_crops_of_a_frame_are_torchvisions_as_they_are(name, size):
    """A classifier whose input is the central 8 of 12 pixels: the views lie in the corners of the 12, not enlarged."""
    preprocess = Preprocess((3, 8, 8), (0.5,) * 3, (0.5,) * 3, crop_pct=8 / 12)
    frame = frame_for(name, preprocess)
    assert frame is not None and frame.input_size == (3, 12, 12) and frame.crop_pct == 1
    images = torch.randn(2, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    views, expected = views_of(name, preprocess)(images), size(images, [8, 8])
    assert len(views) == len(expected)
    for cut in expected:
        assert sum(torch.equal(view, cut) for view in views) == 1


def test_other_views_need_no_frame():
    preprocess = Preprocess((1, 8, 8), crop_pct=8 / 12)
    for name in ("none", "flip", "shift", "flip-shift"):
        assert frame_for(name, preprocess) is None and views_of(name, preprocess) is VIEWS[name]
    assert views_of("ten-crop", Preprocess((1, 8, 8))) is VIEWS["ten-crop"]


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (9, 9)])
@pytest.mark.parametrize("name", ["five-crop", "ten-crop"])
def test_crops_of_any_image(name, size):
    assert {view.shape for view in VIEWS[name](torch.zeros(3, 1, *size))} == {(3, 1, *size)}


@pytest.mark.parametrize(
    ("name", "count"), [("flip", 2), ("shift", 5), ("flip-shift", 10), ("five-crop", 5), ("ten-crop", 10)]
)
def test_the_answer_is_the_mean_over_the_views(name, count):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(20, 3))
    images = torch.randn(6, 1, 4, 5)
    views = VIEWS[name](images)
    assert len(views) == count
    expected = torch.stack([network(view) for view in views]).mean(0)
    torch.testing.assert_close(mean_logits(network, images, VIEWS[name]), expected)
    assert torch.equal(mean_logits(network, images), network(images))


def test_training_measures_with_and_without_tta(tmp_path):
    run = cs.train("digits", "mnist_fast", epochs=2, tta="shift", output=tmp_path, show=False)
    assert run.metrics["test"]["n"] == run.metrics["test_tta"]["n"]
    assert run.metrics["test_tta"]["loss"] != run.metrics["test"]["loss"]
    assert "val_tta" in run.metrics
