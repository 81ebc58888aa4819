"""Images that fit neither memory nor the cache: decoded anew every time, by processes of their own."""

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
from .pixels import Rows, ahead
from .decoded_image import Source, read_row

log = logging.getLogger("convscope")

# What a process hands over at once: large enough that this costs little, small enough that a dozen weigh nothing.
PIECE_IMAGES, PIECE_BYTES = 32, 4_000_000
PIECES_AHEAD = 2
# Where the images of a whole folder are gone, nothing is learned any more.
MOST_LOST = 0.1
GRAY = 128


class Streamed(Rows):
    """Images that are decoded whenever they are asked for, by `workers` processes.

    A file that can no longer be read is named once and a gray picture stands in for it; one that holds something else
    than at first is named once and used. Raises DataError when more than a tenth of the files are gone.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        names: Sequence[str],
        digests: Sequence[bytes],
        preprocess: Preprocess,
        workers: int,
    ):
        super().__init__(len(sources), preprocess.input_size)
        self.sources, self.names, self.digests = sources, names, digests
        self.preprocess, self.workers = preprocess, workers
        self.lost: set[int] = set()
        self.changed: set[int] = set()

    def take(self, places: Tensor) -> Tensor:
        """The images at `places`: M x C x H x W. Decoded by threads: for a few of them no process is worth starting."""
        wanted, out = places.tolist(), self.empty(len(places))
        with ThreadPoolExecutor(self.workers) as pool:
            read = partial(read_row, preprocess=self.preprocess)
            for i, row in enumerate(ahead(pool, read, (self.sources[place] for place in wanted), 64)):
                out[i] = GRAY if isinstance(row, str) else torch.from_numpy(row.pixels)
                self._note(wanted[i], row if isinstance(row, str) else row.digest)
        return out.permute(0, 3, 1, 2)

    def portions(self, places: Sequence[Tensor]) -> Iterator[Tensor]:
        """What `take` gives for each of several lots, decoded ahead by the processes."""
        size = max(min(PIECE_IMAGES, PIECE_BYTES // self.image_bytes), 1)
        pieces = [piece.tolist() for lot in places for piece in lot.split(size)]
        pool = ProcessPoolExecutor(self.workers, initializer=_begin, initargs=(self.sources, self.preprocess))
        try:
            results = iter(zip(pieces, ahead(pool, _read_piece, pieces, PIECES_AHEAD * self.workers), strict=True))
            for lot in places:
                out, filled = self.empty(len(lot)), 0
                while filled < len(lot):
                    piece, (rows, said) = next(results)
                    out[filled : filled + len(piece)] = torch.from_numpy(rows)
                    filled += len(piece)
                    for place, word in zip(piece, said, strict=True):
                        self._note(place, word)
                yield out.permute(0, 3, 1, 2)
        except BrokenProcessPool as problem:
            raise DataError(
                "a process that decodes images was ended from outside: if memory is short, use fewer (--workers 1)"
            ) from problem
        finally:
            pool.shutdown(cancel_futures=True)

    def _note(self, place: int, said: str | bytes) -> None:
        """What reading one image has shown: a reason why it failed, or the digest of what was there."""
        name = printable(self.names[place])
        if isinstance(said, str):
            if place not in self.lost:
                self.lost.add(place)
                log.warning("%s can no longer be read (%s): a gray picture stands in for it", name, said)
            if len(self.lost) > max(MOST_LOST * len(self), 1):
                raise DataError(
                    f"{len(self.lost):,} of {len(self):,} images can no longer be read, the last one {name} ({said}): "
                    "put them back and go on with --resume"
                )
        elif said != self.digests[place] and place not in self.changed:
            self.changed.add(place)
            log.warning("%s is not the image that it was when the training began; used as it is now", name)


# What a process decodes, set once when it begins.
_sources: Sequence[Source] = ()
_preprocess: Preprocess | None = None


def _begin(sources: Sequence[Source], preprocess: Preprocess) -> None:
    global _sources, _preprocess
    _sources, _preprocess = sources, preprocess
    torch.set_num_threads(1)
    # Ctrl-C and the end of a service reach all processes; only the one that trains decides what happens then.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _read_piece(places: list[int]) -> tuple[np.ndarray, list[str | bytes]]:
    """Pixels M x H x W x C, and for each image its digest or why it failed."""
    assert _preprocess is not None
    channels, height, width = _preprocess.input_size
    out = np.full((len(places), height, width, channels), GRAY, np.uint8)
    said: list[str | bytes] = []
    for i, place in enumerate(places):
        row = read_row(_sources[place], _preprocess)
        if not isinstance(row, str):
            out[i] = row.pixels
        said.append(row if isinstance(row, str) else row.digest)
    return out, said
