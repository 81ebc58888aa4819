"""The prediction pipeline: from images of any kind to logits, in bounded memory.

    image -> preprocessed uint8 pixels -> batches, decoded ahead by threads -> network -> logits

`Classifier.predict`, `convscope predict`, `convscope explain` and the service use all of it. `convscope evaluate` uses
the same steps, with the cache of decoded images between the first two.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from .abstention import Familiar, InputsOf
from .data.decoding.decoded_image import RawImage, decode_content, decode_image, read_content
from .data.decoding.pixels import map_ahead
from .data.decoding.split_decoder import available_cores, queue_length
from .data.image_file import Levels, to_8_bits, to_gray_or_rgb
from .data.preprocess import Preprocess
from .errors import DataError

ImageLike = str | Path | bytes | Image.Image | np.ndarray | Tensor
# Limits of a batch: images, and values of the input, of which a network's activations may be dozens of times as many.
MAX_BATCH, MAX_BATCH_VALUES = 256, 2**23
NOT_FINITE = "the network's output for it is not a finite number"


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
    size = batch_size or batch_size_for(preprocess)
    with ThreadPoolExecutor(available_cores()) as pool:
        decode = partial(_decode, preprocess=preprocess)
        decoded = map_ahead(
            pool, decode, ((image, raw_image(image, preprocess.levels)) for image in images), queue_length(preprocess)
        )
        while batch := list(islice(decoded, size)):
            usable = [pixels for _, pixels in batch if not isinstance(pixels, str)]
            rows = (
                zip(*measured(network, preprocess, _stacked(usable), device, familiar), strict=True) if usable else None
            )
            for image, pixels in batch:
                yield (
                    Answer(image, None, pixels) if isinstance(pixels, str) else _answer(image, *next(rows or iter(())))
                )


def _answer(image: ImageLike, logits: Tensor, distance: float | None) -> Answer:
    return Answer(image, logits, "", distance) if logits.isfinite().all() else Answer(image, None, NOT_FINITE)


def batch_size_for(preprocess: Preprocess) -> int:
    """Return the number of images that go through a network at once: 256, fewer of large images."""
    return max(min(MAX_BATCH, MAX_BATCH_VALUES // math.prod(preprocess.input_size)), 1)


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
    raw = raw_image(image, preprocess.levels)
    return _stacked([decode_content(raw, *read_content(raw), preprocess).pixels])[0].contiguous()


def raw_image(image: ImageLike, levels: Levels | None = None) -> RawImage:
    """Return an image in a form that `data.decoding` reads: a path, an encoded image, or uint8 H x W or H x W x 3."""
    if isinstance(image, str | Path):
        return Path(image)
    if isinstance(image, bytes):
        return image
    return np.asarray(to_gray_or_rgb(image if isinstance(image, Image.Image) else _picture(image, levels), levels))


def _decode(task: tuple[ImageLike, RawImage], preprocess: Preprocess) -> tuple[ImageLike, np.ndarray | str]:
    image, raw = task
    decoded = decode_image(raw, preprocess)
    return image, decoded if isinstance(decoded, str) else decoded.pixels


def _stacked(arrays: list[np.ndarray]) -> Tensor:
    """Return arrays H x W x C as a tensor N x C x H x W, channels-last in memory."""
    return torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2)


def _picture(image: np.ndarray | Tensor, levels: Levels | None) -> Image.Image:
    """Return an array H x W or H x W x 1, 3 or 4, or a tensor H x W or C x H x W, as a Pillow image."""
    if isinstance(image, Tensor):
        values = image.detach().cpu()
        array = values.float().numpy() if values.is_floating_point() else values.numpy()
        array = np.moveaxis(array, 0, -1) if array.ndim == 3 else array
    else:
        array = np.asarray(image)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))) or 0 in array.shape:
        raise DataError(
            f"an image of shape {' x '.join(map(str, array.shape))}: expected H x W, or H x W x 1, 3 or 4 channels"
        )
    return Image.fromarray(np.ascontiguousarray(_as_bytes(array, levels)))


def _as_bytes(array: np.ndarray, levels: Levels | None) -> np.ndarray:
    """Return the values of an image, in whatever range its type has, as uint8 0..255.

    `levels` is the range of the training images if they had more than 8 bits: then it is that of such arrays, too.
    """
    if levels is not None and array.dtype not in (bool, np.uint8):
        return to_8_bits(array, levels)
    if array.dtype == bool:
        array = array * np.uint8(255)
    elif array.dtype == np.uint16:
        array = np.round(array / 257.0)
    elif np.issubdtype(array.dtype, np.floating):
        if not (np.isfinite(array).all() and array.min() >= -1e-6 and array.max() <= 1 + 1e-6):
            raise DataError("float images must hold numbers from 0 to 1: divide by 255, or undo a normalisation, first")
        array = np.round(array * 255.0)
    elif array.min() < 0 or array.max() > 255:
        raise DataError(f"{array.dtype} images must hold numbers from 0 to 255, not {array.min()}..{array.max()}")
    return array.clip(0, 255).astype(np.uint8)
