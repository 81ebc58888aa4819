"""The classifier: what it predicts, for every kind of image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

import convscope as cs


@pytest.fixture(scope="module")
def seven() -> np.ndarray:
    """An image of the validation split that the network reads as a 7 and that is one."""
    split = cs.load_data("digits").splits["val"]
    return split.images[int(np.flatnonzero(split.labels == 7)[0])]


def test_it_really_reads_digits(digits_run):
    assert digits_run.metrics["test"]["top1"] > 0.9
    assert digits_run.metrics["test"]["n"] == 269


def test_every_kind_of_image_gives_the_same_answer(digits_run, seven, tmp_path):
    classifier = digits_run.classifier
    Image.fromarray(seven).save(tmp_path / "seven.png")
    forms = [
        tmp_path / "seven.png",
        str(tmp_path / "seven.png"),
        Image.fromarray(seven),
        seven,
        seven[:, :, None],
        np.repeat(seven[:, :, None], 3, axis=2),
        seven.astype(np.int64),
        seven.astype(np.uint16) * 257,
        seven / 255.0,
        torch.from_numpy(seven.copy()),
        torch.from_numpy(seven.copy())[None],
        (torch.from_numpy(seven.copy())[None] / 255).requires_grad_(),
    ]
    expected = classifier.predict(forms[0], topk=3)
    assert len(expected) == 3 and expected[0].label == "7" and expected[0].index == 7
    assert expected[0].probability >= expected[1].probability >= expected[2].probability
    for form in forms:
        for ours, theirs in zip(classifier.predict(form, topk=3), expected, strict=True):
            assert ours.label == theirs.label and ours.probability == pytest.approx(theirs.probability, abs=1e-5)


def test_several_images(digits_run, seven):
    classifier = digits_run.classifier
    one = classifier.predict(seven, topk=1)
    stacked = np.stack([seven] * 3)[..., None]
    for images in ([seven] * 3, (seven for _ in range(3)), stacked, torch.from_numpy(np.moveaxis(stacked, -1, 1))):
        answers = classifier.predict(images, topk=1)
        assert len(answers) == 3 and all(a[0].label == one[0].label for a in answers)
    assert classifier.predict([]) == []
    assert len(classifier.predict(seven, topk=99)) == 10
    assert classifier.probabilities([seven] * 3).sum(1).tolist() == pytest.approx([1, 1, 1])


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 4, 2), np.uint8), "an image of shape 4 x 4 x 2"),
        (np.zeros((0, 4), np.uint8), "an image of shape 0 x 4"),
        (np.full((4, 4), 3.5), "float images must hold numbers from 0 to 1"),
        (np.full((4, 4), np.nan), "float images must hold numbers from 0 to 1"),
        (np.full((4, 4), -1), "int64 images must hold numbers from 0 to 255, not -1..-1"),
        (7, "cannot read an image from int"),
        ("nosuch.png", "nosuch.png: no such file"),
        (torch.zeros(5, 4, 4), "an image of shape 4 x 4 x 5"),
    ],
)
def test_what_is_no_image_is_named(digits_run, image, message):
    with pytest.raises(cs.DataError, match=message):
        digits_run.classifier.predict(image)


def test_topk_must_be_positive(digits_run, seven):
    with pytest.raises(cs.UsageError, match="topk must be at least 1, not 0"):
        digits_run.classifier.predict(seven, topk=0)
