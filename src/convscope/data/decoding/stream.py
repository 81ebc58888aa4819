"""Decode images in worker processes whenever they are needed: for data that fits neither memory nor cache."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial

import numpy as np
import torch
from torch import Tensor

from ...errors import DataError, printable
from ..preprocess import Preprocess
from .ahead import map_ahead
from .decoded_image import RawImage, decode_image
from .pixels import LazyPixels

log = logging.getLogger("convscope")

# What a process hands over at a time: large enough for that to cost little, small enough for a dozen to fit anywhere.
CHUNK_IMAGES, CHUNK_BYTES = 32, 4_000_000
CHUNKS_AHEAD = 2
THREADS_AHEAD = 64
# Training stops if more than this share of the files can no longer be read.
MOST_LOST = 0.1
GRAY = 128


class StreamedPixels(LazyPixels):
    """Images that `workers` processes decode whenever they are asked for.

    A file that can no longer be read is warned about once and replaced by a gray picture; one whose content has changed
    is warned about once and used. Raises DataError when more than a tenth of the files can no longer be read.
    """

    def __init__(
        self,
        images: Sequence[RawImage],
        names: Sequence[str],
        digests: Sequence[bytes],
        preprocess: Preprocess,
        workers: int,
    ):
        super().__init__(len(images), preprocess.input_size)
        self.images, self.names, self.digests = images, names, digests
        self.preprocess, self.workers = preprocess, workers
        self.lost: set[int] = set()
        self.changed: set[int] = set()

    def take(self, indices: Tensor) -> Tensor:
        """Return the images at `indices`: M x C x H x W. Decoded by threads: a few are not worth starting a process."""
        wanted, out = indices.tolist(), self.empty(len(indices))
        with ThreadPoolExecutor(self.workers) as pool:
            decode = partial(decode_image, preprocess=self.preprocess)
            images = map_ahead(pool, decode, (self.images[i] for i in wanted), THREADS_AHEAD)
            for row, (i, image) in enumerate(zip(wanted, images, strict=True)):
                out[row] = GRAY if isinstance(image, str) else torch.from_numpy(image.pixels)
                self._check(i, image if isinstance(image, str) else image.digest)
        return out.permute(0, 3, 1, 2)

    def take_batches(self, batches: Sequence[Tensor]) -> Iterator[Tensor]:
        """Yield what `take` returns for each batch of indices; the processes decode the next batches meanwhile."""
        size = max(min(CHUNK_IMAGES, CHUNK_BYTES // self.image_bytes), 1)
        chunks = [chunk.tolist() for batch in batches for chunk in batch.split(size)]
        pool = ProcessPoolExecutor(self.workers, initializer=_start_worker, initargs=(self.images, self.preprocess))
        try:
            decoded = map_ahead(pool, _decode_chunk, chunks, CHUNKS_AHEAD * self.workers)
            results = iter(zip(chunks, decoded, strict=True))
            for batch in batches:
                out, filled = self.empty(len(batch)), 0
                while filled < len(batch):
                    chunk, (pixels, outcomes) = next(results)
                    out[filled : filled + len(chunk)] = torch.from_numpy(pixels)
                    filled += len(chunk)
                    for i, outcome in zip(chunk, outcomes, strict=True):
                        self._check(i, outcome)
                yield out.permute(0, 3, 1, 2)
        except BrokenProcessPool as problem:
            raise DataError(
                "a process that decodes images was killed from outside: if memory is short, use fewer (--workers 1)"
            ) from problem
        finally:
            pool.shutdown(cancel_futures=True)

    def _check(self, index: int, outcome: str | bytes) -> None:
        """Warn if an image is lost or changed; `outcome` is the reason why it cannot be read, or its digest."""
        name = printable(self.names[index])
        if isinstance(outcome, str):
            if index not in self.lost:
                self.lost.add(index)
                log.warning("%s can no longer be read (%s): a gray picture replaces it", name, outcome)
            if len(self.lost) > max(MOST_LOST * len(self), 1):
                raise DataError(
                    f"{len(self.lost):,} of {len(self):,} images can no longer be read, the last one {name} "
                    f"({outcome}): restore them and continue with --resume"
                )
        elif outcome != self.digests[index] and index not in self.changed:
            self.changed.add(index)
            log.warning("%s has changed since training began; used as it is now", name)


# What a worker process decodes, set once when it starts.
_images: Sequence[RawImage] = ()
_preprocess: Preprocess | None = None


def _start_worker(images: Sequence[RawImage], preprocess: Preprocess) -> None:
    global _images, _preprocess
    _images, _preprocess = images, preprocess
    torch.set_num_threads(1)
    # Ctrl-C and a service manager signal all processes; only the one that trains decides what to do then.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _decode_chunk(indices: list[int]) -> tuple[np.ndarray, list[str | bytes]]:
    """Return pixels M x H x W x C, and for each image its digest or the reason why it cannot be read."""
    assert _preprocess is not None
    channels, height, width = _preprocess.input_size
    out = np.full((len(indices), height, width, channels), GRAY, np.uint8)
    outcomes: list[str | bytes] = []
    for row, i in enumerate(indices):
        image = decode_image(_images[i], _preprocess)
        if not isinstance(image, str):
            out[row] = image.pixels
        outcomes.append(image if isinstance(image, str) else image.digest)
    return out, outcomes
