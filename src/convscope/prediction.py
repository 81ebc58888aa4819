"""The prediction pipeline: from images of any kind to logits, in bounded memory.

    image -> preprocessed uint8 pixels -> batches, decoded ahead by threads -> network -> logits

`Classifier.predict`, `convscope predict`, `convscope explain` and the service use all of it. `convscope evaluate` uses
the same steps, with the cache of decoded images between the first two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from .abstention import Familiar, InputsOf
from .data.preprocess import Preprocess
from .pictures import NOT_FINITE, ImageLike, decoded_batches, pixels_of


@dataclass(frozen=True)
class Answer:
    """The logits of one image (a vector over the classes), or None and the `reason` why the image cannot be used.

    `distance` is that to familiar pictures, if it was asked for.
    """

    image: ImageLike
    logits: Tensor | None
    reason: str = ""
    distance: float | None = None


def answers(
    network: nn.Module,
    preprocess: Preprocess,
    images: Iterable[ImageLike],
    device: torch.device,
    batch_size: int | None = None,
    familiar: Familiar | None = None,
) -> Iterator[Answer]:
    """Yield the network's answer to each image, in order; DataError for an array that is not an image.

    Images are decoded by threads while the network computes. Only a few batches of pixels are in memory at a time.
    """
    for batch in decoded_batches(images, preprocess, batch_size):
        usable = [pixels for _, pixels in batch if not isinstance(pixels, str)]
        rows = zip(*measured(network, preprocess, _stacked(usable), device, familiar), strict=True) if usable else None
        for image, pixels in batch:
            yield Answer(image, None, pixels) if isinstance(pixels, str) else _answer(image, *next(rows or iter(())))


def _answer(image: ImageLike, logits: Tensor, distance: float | None) -> Answer:
    return Answer(image, logits, "", distance) if logits.isfinite().all() else Answer(image, None, NOT_FINITE)


@torch.no_grad()
def logits_of(
    network: Callable[[Tensor], Tensor], preprocess: Preprocess, pixels: Tensor, device: torch.device
) -> Tensor:
    """Return the logits N x classes, float32 on the CPU, of preprocessed uint8 pixels N x C x H x W."""
    return network(preprocess.normalize(pixels.to(device))).float().cpu()


def measured(
    network: nn.Module, preprocess: Preprocess, pixels: Tensor, device: torch.device, familiar: Familiar | None
) -> tuple[Tensor, list[float | None]]:
    """Return the logits as `logits_of`, and of each image the distance to familiar pictures, None without any."""
    if familiar is None:
        return logits_of(network, preprocess, pixels, device), [None] * len(pixels)
    inputs = InputsOf(network, familiar.layer)
    logits = logits_of(inputs, preprocess, pixels, device)
    assert inputs.features is not None
    return logits, familiar.distances(inputs.features).tolist()


def image_pixels(image: ImageLike, preprocess: Preprocess) -> Tensor:
    """Return the preprocessed uint8 pixels C x H x W of one image.

    UnreadableImage with the reason for an image that cannot be used, DataError for an array that is not an image.
    """
    return _stacked([pixels_of(image, preprocess)])[0].contiguous()


def _stacked(arrays: list[np.ndarray]) -> Tensor:
    """Return arrays H x W x C as a tensor N x C x H x W, channels-last in memory."""
    return torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2)
