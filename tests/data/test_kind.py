"""Digits or photos: decided by the pixels, in whatever form digits come, and never by the names of the classes."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

from convscope.data.datasets import load_data
from convscope.data.image_file import decode_pixels
from convscope.data.kind import is_character


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return load_data("mnist-5k").splits["test"].images[::12]


def resized(image: np.ndarray, side: int) -> np.ndarray:
    return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC))


def as_jpeg(image: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=60)
    return decode_pixels(file.getvalue())


def scanned(image: np.ndarray) -> np.ndarray:
    """Dark ink on yellowed paper, with noise."""
    paper = (235 - 0.75 * image)[..., None] * np.array([1, 0.93, 0.8])
    return np.clip(paper + np.random.default_rng(0).normal(0, 5, paper.shape), 0, 255).astype(np.uint8)


FORMS = {
    "plain": lambda image: image,
    "inverted": lambda image: 255 - image,
    "colour": lambda image: np.repeat(image[..., None], 3, 2),
    "jpeg": as_jpeg,
    "64": lambda image: resized(image, 64),
    "128": lambda image: resized(image, 128),
    "128 inverted jpeg": lambda image: as_jpeg(255 - resized(image, 128)),
    "scan": scanned,
}


@pytest.mark.parametrize("form", FORMS)
def test_digits_in_every_form(form, digits):
    assert np.mean([is_character(FORMS[form](image)) for image in digits]) > 0.75


def patches(image: np.ndarray, side: int) -> list[np.ndarray]:
    height, width = image.shape[:2]
    return [
        image[y : y + side, x : x + side]
        for y in range(0, height - side + 1, 2 * side) for x in range(0, width - side + 1, 2 * side)
    ]  # fmt: skip


@pytest.mark.parametrize("side", [32, 64, 128])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_photos(side, mode):
    images = [np.asarray(Image.fromarray(image).convert(mode)) for image in load_sample_images().images]
    assert np.mean([is_character(patch) for image in images for patch in patches(image, side)]) < 0.3


def test_scans_of_a_body_and_other_textures_are_no_characters():
    random, (y, x) = np.random.default_rng(0), np.mgrid[-1:1:96j, -1:1:96j]
    smooth = 200 * np.exp(-((x / 0.6) ** 2) - (y / 0.7) ** 2)
    head = (np.hypot(x / 0.6, y / 0.7) < 1) * (120 + 60 * np.sin(9 * x) * np.cos(7 * y))
    noise = random.integers(0, 256, (96, 96))
    for image in (smooth, head, noise, 0 * x, 127 * (x + 1)):
        assert not is_character(np.clip(image, 0, 255).astype(np.uint8))


def test_a_folder_is_decided_by_its_pixels(tmp_path, digits):
    photo = load_sample_images().images[0]
    cells = patches(photo, 32)
    for name, images in (("digits", FORMS["inverted"](digits)), ("photos", cells)):
        for i, image in enumerate(images[:20]):
            path = tmp_path / name / ("even", "1")[i % 2] / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path)
        data = load_data(tmp_path / name)
        assert data.kind == name and data.origin.kind.startswith(name)
