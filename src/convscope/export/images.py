"""The images on which an export is compared with the original: those of the run, or the next best."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..classifier import Classifier
from ..data.datasets import BUNDLED, load_data
from ..data.image_file import EmbeddedImage, UnreadableImage, decode_pixels, read_bytes
from ..data.preprocess import Preprocess
from ..data.sources.interpretation import INTERPRETATION_OPTIONS
from ..data.split import redivide
from ..errors import ConvScopeError
from ..run_folder import RunFolder

# Enough for four batches of seven.
MOST_IMAGES = 28


@dataclass(frozen=True)
class Images:
    """Decoded images, uint8 H x W x C with the network's channels, and where they come from, in words."""

    pictures: list[np.ndarray]
    origin: str


def images_for_proof(classifier: Classifier, own: Sequence[Any] = (), photos: Sequence[Path] = ()) -> Images:
    """Return some of the run's `own` images, see `own_images`; else bundled digits, `photos`, or random ones.

    Nothing is downloaded for it.
    """
    preprocess = classifier.preprocess
    if found := _decoded(own, preprocess):
        return Images(found, "validation images of the run")
    if preprocess.input_size[0] == 1:
        test = load_data("mnist-5k").splits["test"]
        chosen = np.random.default_rng(0).permutation(len(test))[:MOST_IMAGES]
        found, origin = _decoded(test.take(chosen).images, preprocess), "bundled digits"
    else:
        found, origin = _decoded(photos, preprocess), "bundled photos"
    if found:
        return Images(found, f"{origin}, since the run's data was not found")
    return Images(_random(preprocess), "random images, since the run's data was not found")


def own_images(run: RunFolder | None) -> Sequence[Any]:
    """Return the validation images of the data that the run was trained on, not decoded; none if it is not here."""
    if run is None:
        return []
    recipe = run.read_recipe()
    source = str(recipe.get("data") or "")
    if source not in BUNDLED and not (source and Path(source).exists()):
        return []
    options = {name: recipe[name] for name in INTERPRETATION_OPTIONS if name in recipe}
    try:
        data = load_data(source, recipe.get("data_dir"), **options)
        table = run.read_split()
        data = redivide(data, table) if table is not None and (data.divided or data.held_out) else data
    except ConvScopeError:
        return []
    split = next((data.splits[name] for name in ("val", "test") if name in data.splits), None)
    return [] if split is None else list(split.take(np.random.default_rng(0).permutation(len(split))).images)


def pixels_for_judging(classifier: Classifier, own: Sequence[Any], most: int) -> np.ndarray:
    """Return what the network gets of up to `most` of the run's `own` images: uint8 N x C x H x W.

    Without them of bundled digits if it tells digits apart, since others' figures on digits say nothing; else of none.
    """
    preprocess = classifier.preprocess
    found = [preprocess.array(_plain(picture)) for picture in islice(_each(own, preprocess), most)]
    if not found and preprocess.input_size[0] == 1:
        digits = load_data("mnist-5k")
        bundled = digits.splits["test"].images[:most] if classifier.class_names == digits.class_names else []
        found = [preprocess.array(_plain(picture)) for picture in _each(bundled, preprocess)]
    if not found:
        return np.empty((0, *preprocess.input_size), np.uint8)
    return np.ascontiguousarray(np.stack(found).transpose(0, 3, 1, 2))


def _plain(picture: np.ndarray) -> np.ndarray:
    return picture[:, :, 0] if picture.shape[2] == 1 else picture


def _decoded(items: Iterable[Any], preprocess: Preprocess) -> list[np.ndarray]:
    """Decode images in full size until there are enough of them; those that cannot be read are left out."""
    return list(islice(_each(items, preprocess), MOST_IMAGES))


def _each(items: Iterable[Any], preprocess: Preprocess) -> Iterator[np.ndarray]:
    for item in items:
        if isinstance(item, Path | EmbeddedImage):
            try:
                item = decode_pixels(read_bytes(item), None, preprocess.levels)
            except UnreadableImage:
                continue
        yield with_channels(np.asarray(item), preprocess.input_size[0])


def with_channels(picture: np.ndarray, channels: int) -> np.ndarray:
    """Return a picture H x W or H x W x 3 as H x W x `channels`, converted as `Preprocess` does."""
    if (picture.ndim == 2) != (channels == 1):
        picture = np.asarray(Image.fromarray(picture).convert("L" if channels == 1 else "RGB"))
    return picture.reshape(*picture.shape[:2], channels)


def _random(preprocess: Preprocess) -> list[np.ndarray]:
    generator, (channels, height, width) = np.random.default_rng(0), preprocess.input_size
    shape = (height + height // 4, width + width // 2, channels)
    return [generator.integers(0, 256, shape, dtype=np.uint8) for _ in range(MOST_IMAGES)]
