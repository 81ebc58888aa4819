"""The Classifier: a network, the names of its classes and the preprocessing it was trained with, saved together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from .bundle import find_bundle, make_config, read_bundle, write_bundle
from .data.image_file import UnreadableImage, read_image, to_gray_or_rgb
from .data.preprocess import Preprocess
from .errors import DataError, UsageError, printable

ImageLike = str | Path | Image.Image | np.ndarray | Tensor


@dataclass(frozen=True)
class Prediction:
    """One class for one image: its name, its probability (0..1) and its index."""

    label: str
    probability: float
    index: int


@dataclass
class Classifier:
    """What training makes, and what predicting, evaluating, explaining, exporting and serving take.

    `architecture` and `model_args` (with `num_classes` and `in_channels`) are what `create_model` was given. `metrics`
    are figures measured when it was saved.
    """

    network: nn.Module
    class_names: list[str]
    preprocess: Preprocess
    architecture: str
    model_args: dict[str, Any]
    metrics: dict[str, Any] = field(default_factory=dict)

    def save(self, folder: str | Path) -> Path:
        """Write the bundle `folder`, atomically; an older bundle there is replaced as a whole."""
        config = make_config(self.architecture, self.model_args, self.class_names, self.preprocess, self.metrics)
        write_bundle(Path(folder), self.network, config)
        return Path(folder)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(iter([*self.network.parameters(), *self.network.buffers()])).device

    @torch.no_grad()
    def logits(self, pixels: Tensor) -> Tensor:
        """uint8 pixels N x C x H x W, as `preprocess` makes them -> logits N x classes, float32, on the CPU."""
        self.network.eval()
        return self.network(self.preprocess.normalize(pixels.to(self.device))).float().cpu()

    def probabilities(self, images: Sequence[ImageLike], batch_size: int = 256) -> Tensor:
        """Several images -> N x classes, each row summing to 1."""
        rows, side = [], self.preprocess.longest_side
        for start in range(0, len(images), batch_size):
            pixels = self.preprocess.batch(as_image(image, side) for image in images[start : start + batch_size])
            rows.append(self.logits(pixels).softmax(1))
        return torch.cat(rows) if rows else torch.empty(0, len(self.class_names))

    def predict(
        self, images: ImageLike | Iterable[ImageLike], topk: int = 5
    ) -> list[Prediction] | list[list[Prediction]]:
        """The `topk` likeliest classes, best first: one list for one image, a list of lists for several.

        An image is a path, a Pillow image, a NumPy array (H x W or H x W x 1, 3 or 4) or a tensor (H x W or
        C x H x W). Several are a list of those, an array N x H x W x C or a tensor N x C x H x W. Numbers are uint8
        0..255, uint16 0..65535, bool, or floats 0..1. Raises DataError for an image that cannot be used.
        """
        if topk < 1:
            raise UsageError(f"topk must be at least 1, not {topk}")
        several = _several(images)
        probabilities = self.probabilities(several if several is not None else [images])  # type: ignore[list-item]
        best = self.best(probabilities, topk)
        return best if several is not None else best[0]

    def best(self, probabilities: Tensor, topk: int) -> list[list[Prediction]]:
        """Rows of probabilities -> the `topk` likeliest classes of each; equal ones in the order of the classes."""
        order = probabilities.sort(dim=1, descending=True, stable=True)
        k = min(topk, len(self.class_names))
        return [
            [Prediction(self.class_names[i], p, i) for p, i in zip(values, indices, strict=True)]
            for values, indices in zip(order.values[:, :k].tolist(), order.indices[:, :k].tolist(), strict=True)
        ]


def load(source: str | Path) -> Classifier:
    """A classifier from a run folder, a bundle (folder or zip) or `last`, the newest run below the current directory.

    Raises ModelFileError, in one line, if there is none or if it cannot be trusted; nothing in the files is executed.
    """
    network, config = read_bundle(find_bundle(source))
    return Classifier(
        network,
        config["label_names"],
        Preprocess.from_dict(config["preprocessing"]),
        config["architecture"],
        config["model_args"],
        config.get("metrics", {}),
    )


def as_image(image: ImageLike, longest_side: int | None = None) -> Image.Image:
    """Any single image that `Classifier.predict` takes -> Pillow image, mode L or RGB; files as `decode` gives them."""
    if isinstance(image, str | Path):
        try:
            return read_image(image, longest_side)
        except UnreadableImage as problem:
            raise DataError(f"{printable(image)}: {problem}") from problem
    if isinstance(image, Image.Image):
        return to_gray_or_rgb(image)
    if isinstance(image, Tensor):
        array = image.detach().cpu().float().numpy() if image.is_floating_point() else image.detach().cpu().numpy()
        array = np.moveaxis(array, 0, -1) if array.ndim == 3 else array
    else:
        array = np.asarray(image)
    return to_gray_or_rgb(_from_array(array))


def _several(images: Any) -> list[Any] | None:
    if isinstance(images, str | Path | Image.Image):
        return None
    if isinstance(images, np.ndarray | Tensor):
        return list(images) if images.ndim == 4 else None
    try:
        return list(images)
    except TypeError:
        raise DataError(
            f"cannot read an image from {type(images).__name__}: give a path, Pillow image, array or tensor"
        ) from None


def _from_array(array: np.ndarray) -> Image.Image:
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))) or 0 in array.shape:
        raise DataError(
            f"an image of shape {' x '.join(map(str, array.shape))}: expected H x W, or H x W x 1, 3 or 4 channels"
        )
    if array.dtype == bool:
        array = array * np.uint8(255)
    elif array.dtype == np.uint16:
        array = np.round(array / 257.0)
    elif np.issubdtype(array.dtype, np.floating):
        if not (np.isfinite(array).all() and array.min() >= -1e-6 and array.max() <= 1 + 1e-6):
            raise DataError("float images hold numbers from 0 to 1: divide by 255, or undo a normalisation, first")
        array = np.round(array * 255.0)
    elif array.min() < 0 or array.max() > 255:
        raise DataError(f"{array.dtype} images hold numbers from 0 to 255, not {array.min()}..{array.max()}")
    return Image.fromarray(np.ascontiguousarray(array.clip(0, 255).astype(np.uint8)))
