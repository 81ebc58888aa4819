"""From images of any kind to preprocessed pixels, decoded ahead by threads: the part of prediction without torch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from .data.decoding.ahead import available_cores, map_ahead, queue_length
from .data.decoding.decoded_image import RawImage
from .data.image_file import (
    Levels,
    UnreadableImage,
    decode_pixels,
    read_bytes,
    to_8_bits,
    to_gray_or_rgb,
    within_memory,
)
from .data.preprocess import Preprocess
from .errors import DataError, UsageError, printable

if TYPE_CHECKING:
    from torch import Tensor

    ImageLike = str | Path | bytes | Image.Image | np.ndarray | Tensor
else:
    ImageLike = Any
# Limits of a batch: images, and values of the input, of which a network's activations may be dozens of times as many.
MAX_BATCH, MAX_BATCH_VALUES = 256, 2**23
NOT_FINITE = "the network's output for it is not a finite number"


def decoded_batches(
    images: Iterable[ImageLike], preprocess: Preprocess, batch_size: int | None = None
) -> Iterator[list[tuple[ImageLike, np.ndarray | str]]]:
    """Yield batches of images, each with its uint8 pixels H x W x C or the reason why it cannot be used, in order.

    They are decoded by threads while the caller uses those before them. Only a few batches of pixels are in memory at a
    time. DataError for an array that is not an image.
    """
    size = batch_size or batch_size_for(preprocess)
    with ThreadPoolExecutor(available_cores()) as pool:
        decode = partial(_decode, preprocess=preprocess)
        tasks = ((image, raw_image(image, preprocess.levels)) for image in images)
        decoded = map_ahead(pool, decode, tasks, queue_length(preprocess))
        while batch := list(islice(decoded, size)):
            yield batch


def pixels_of(image: ImageLike, preprocess: Preprocess) -> np.ndarray:
    """Return the preprocessed uint8 pixels H x W x C of one image.

    UnreadableImage with the reason for an image that cannot be used, DataError for an array that is not an image.
    """
    raw = raw_image(image, preprocess.levels)
    with within_memory(raw) if isinstance(raw, bytes) else nullcontext():
        return _pixels(raw, preprocess)


def batch_size_for(preprocess: Preprocess) -> int:
    """Return the number of images that go through a network at once: 256, fewer of large images."""
    return max(min(MAX_BATCH, MAX_BATCH_VALUES // math.prod(preprocess.input_size)), 1)


def named(image: ImageLike, reason: str) -> str:
    """Return a reason why an image cannot be used, after its path if it is a file."""
    return f"{printable(image)}: {reason}" if isinstance(image, str | Path) else reason


def check_topk(topk: int) -> None:
    """Raise UsageError for a number of classes that makes no sense."""
    if topk < 1:
        raise UsageError(f"topk must be at least 1, not {topk}")


def raw_image(image: ImageLike, levels: Levels | None = None) -> RawImage:
    """Return an image in a form that `data.decoding` reads: a path, an encoded image, or uint8 H x W or H x W x 3."""
    if isinstance(image, str | Path):
        return Path(image)
    if isinstance(image, bytes):
        return image
    return np.asarray(to_gray_or_rgb(image if isinstance(image, Image.Image) else _picture(image, levels), levels))


def _decode(task: tuple[ImageLike, RawImage], preprocess: Preprocess) -> tuple[ImageLike, np.ndarray | str]:
    image, raw = task
    try:
        return image, _pixels(raw, preprocess)
    except UnreadableImage as problem:
        return image, str(problem)
    except MemoryError:
        return image, "does not fit into memory"


def _pixels(raw: RawImage, preprocess: Preprocess) -> np.ndarray:
    if not isinstance(raw, np.ndarray):
        content = raw if isinstance(raw, bytes) else read_bytes(raw)
        raw = decode_pixels(content, preprocess.longest_side, preprocess.levels)
    return preprocess.array(raw)


def _picture(image: np.ndarray | Tensor, levels: Levels | None) -> Image.Image:
    """Return an array H x W or H x W x 1, 3 or 4, or a tensor H x W or C x H x W, as a Pillow image."""
    if not isinstance(image, np.ndarray) and hasattr(image, "detach"):  # a tensor
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
