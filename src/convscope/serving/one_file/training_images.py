"""Small images to train a network with inside the file, and the distributions of its first weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ...data.datasets import load_data
from ...data.image_file import UnreadableImage, read_bytes
from ...errors import ConvScopeError
from ...evaluation.run_data import load_run_data
from ...export.engine import EngineNetwork
from ...models import create_model
from ..classifiers import ServedClassifier
from ..examples import reads_digits

MOST_IMAGES, TESTED = 3600, 300
# Fewer levels of gray take less room: two pixels share a byte, and alike bytes deflate well.
LEVELS = 8
MOST_PARAMETERS, LONGEST_SIDE = 1_000_000, 64


@dataclass(frozen=True)
class TrainingImages:
    """Images of `shape` (channels, height, width, without the border that the network adds), in random order.

    The first `tested` ones are not trained with. `pixels` has two of them in each byte, from 0 to `LEVELS` - 1.
    """

    pixels: bytes
    labels: bytes
    shape: tuple[int, int, int]
    tested: int

    def entry(self) -> dict[str, Any]:
        """Return what the file says about them, as JSON."""
        return {"shape": list(self.shape), "tested": self.tested, "levels": LEVELS, "count": len(self.labels)}

    def half(self) -> TrainingImages:
        """Return half of them."""
        count = len(self.labels) // 2
        size = len(self.pixels) // len(self.labels)
        return TrainingImages(self.pixels[: count * size], self.labels[:count], self.shape, self.tested // 2)


def training_images(served: ServedClassifier, described: EngineNetwork) -> TrainingImages | None:
    """Return the bundled digits for a network that reads digits, the run's own small images for another.

    None where there are no images any more, and for networks that the page does not train: large ones, those for
    several labels per image, and those that compute weights from others.
    """
    classifier = served.classifier
    side = max(classifier.preprocess.input_size[1:])
    parameters = sum(p.numel() for p in classifier.network.parameters())
    derived = any(entry["derived"] for entry in described.graph["tensors"])
    if classifier.task.multi_label or derived or parameters > MOST_PARAMETERS or side > LONGEST_SIDE:
        return None
    if len(classifier.class_names) > 256:
        return None
    pairs = list(_digits(served) if reads_digits(served) else _own_images(served))
    if len(pairs) < 2 * len(classifier.class_names):
        return None
    border = classifier.preprocess.border
    inner = slice(border, -border or None)
    pixels = np.stack([image[:, inner, inner] for image, _ in pairs])
    levels = np.rint(pixels / 255 * (LEVELS - 1)).astype(np.uint8)
    flat = levels.reshape(len(levels), -1)
    flat = np.pad(flat, ((0, 0), (0, flat.shape[1] % 2)))
    packed = flat[:, 0::2] * 16 + flat[:, 1::2]
    tested = min(TESTED, len(pairs) // 8)
    labels = bytes(label for _, label in pairs)
    return TrainingImages(packed.tobytes(), labels, tuple(pixels.shape[1:]), tested)


def _digits(served: ServedClassifier) -> Iterator[tuple[np.ndarray, int]]:
    split = load_data("mnist-5k").split("all")
    order = np.random.default_rng(0).permutation(len(split))[:MOST_IMAGES]
    chosen = split.take(order)
    images = served.classifier.preprocess.batch(np.asarray(chosen.images)).numpy()
    yield from zip(images, map(int, chosen.labels), strict=True)


def _own_images(served: ServedClassifier) -> Iterator[tuple[np.ndarray, int]]:
    """Yield images of the run's training and validation, if its data is still there; nothing is downloaded for it."""
    if served.run_folder is None:
        return
    try:
        data = load_run_data(served.run_folder)
    except ConvScopeError:
        return
    classifier = served.classifier
    parts = [data.splits[name] for name in ("train", "val") if name in data.splits]
    if not parts or data.class_names != classifier.class_names:
        return
    whole = parts[0].join(parts[1]) if len(parts) > 1 else parts[0]
    chosen = whole.take(np.random.default_rng(0).permutation(len(whole))[:MOST_IMAGES])
    for item, label in zip(chosen.images, chosen.labels, strict=True):
        try:
            yield _seen(served, item), int(label)
        except UnreadableImage:
            continue


def _seen(served: ServedClassifier, item: Any) -> np.ndarray:
    preprocess = served.classifier.preprocess
    if isinstance(item, np.ndarray):
        return preprocess.batch(item[None]).numpy()[0]
    return preprocess.read(read_bytes(item)).numpy()


def first_weights(served: ServedClassifier, described: EngineNetwork) -> list[list[float] | None] | None:
    """Return mean and deviation of each of the engine's tensors in an untrained network, null for fixed ones.

    None if the network cannot be made again, as one that is not in the catalogue.
    """
    classifier = served.classifier
    try:
        with torch.random.fork_rng([]):
            torch.manual_seed(0)
            fresh = create_model(classifier.architecture, **classifier.model_args)
    except (ConvScopeError, TypeError, ValueError):
        return None
    named = {**dict(fresh.named_parameters()), **dict(fresh.named_buffers())}
    result: list[list[float] | None] = []
    for entry in described.graph["tensors"]:
        tensor = named.get(entry["name"])
        if tensor is None or not tensor.is_floating_point():
            result.append(None)
        else:
            values = tensor.detach().double()
            result.append([float(values.mean()), float(values.std(correction=0))])
    return result
