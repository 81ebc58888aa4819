"""What a comparison changes about the images: fewer of them for training, and moved ones for the test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from ..classifier import Classifier
from ..data.decoded import Decoded
from ..data.split import Data
from ..errors import DataError, UsageError
from ..evaluation import evaluate


def with_few_images(data: Data, images: int, seed: int) -> Data:
    """Return the data with that many training images, as many of each class, chosen by the seed."""
    training = data.splits["train"]
    if data.multi_label:
        raise UsageError("images: a number of training images needs one class per image")
    each, rng = images // len(data.class_names), np.random.default_rng(seed)
    if not each:
        raise UsageError(f"images: {images} are fewer than the {len(data.class_names)} classes")
    chosen = []
    for label, name in enumerate(data.class_names):
        found = np.flatnonzero(training.labels == label)
        if len(found) < each:
            raise DataError(f"images: class {name} has only {len(found)} training images, not {each}")
        chosen += rng.choice(found, each, replace=False).tolist()
    return replace(data, splits={**data.splits, "train": training.take(sorted(chosen))})


def accuracy_moved(classifier: Classifier, data: Data, distance: int) -> float:
    """Return the accuracy on the test images moved by `distance` pixels to the right, filled up with black."""
    split = data.splits.get("test")
    if split is None or not isinstance(split.images, np.ndarray):
        raise UsageError("shifts: the data set needs test images that are arrays, such as those of mnist-5k")
    preprocess = classifier.preprocess
    pixels = preprocess.batch(moved_right(split.images, distance))
    decoded = Decoded(pixels, torch.from_numpy(split.labels), split.names, [], [])
    return float(evaluate(classifier.network, decoded, preprocess, data.class_names).figures()["top1"])


def moved_right(images: np.ndarray, distance: int) -> np.ndarray:
    """Return images (N x H x W or N x H x W x 3) moved to the right; what comes in is black."""
    moved = np.zeros_like(images)
    width = images.shape[2]
    if distance < width:
        moved[:, :, distance:] = images[:, :, : width - distance]
    return moved
