"""Images that fit neither memory nor the cache: decoded anew every time, by processes of their own."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..errors import DataError, printable
from .pixels import Rows, ahead
from .preprocess import Preprocess
from .row import Row, Source, read_row

log = logging.getLogger("convscope")

# What is handed over at once: large enough that this costs nothing, small enough that a dozen of them weigh nothing.
PORTION_IMAGES, PORTION_BYTES = 32, 4_000_000
# Where the images of a whole folder are gone, nothing is learned any more.
MOST_LOST = 0.1
GRAY = 128


class Streamed(Rows):
    """Images that are decoded whenever they are asked for, by `workers` processes; 0 decodes them here.

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
        with ThreadPoolExecutor(max(self.workers, 1)) as pool:
            read = partial(read_row, preprocess=self.preprocess)
            for i, row in enumerate(ahead(pool, read, (self.sources[place] for place in wanted), 64)):
                out[i] = GRAY if isinstance(row, str) else torch.from_numpy(row.pixels)
                self._note(wanted[i], row if isinstance(row, str) else row.digest)
        return out.permute(0, 3, 1, 2)

    def portions(self, places: Sequence[Tensor]) -> Iterator[Tensor]:
        """What `take` gives for each of several lots, decoded ahead by the processes."""
        size = max(min(PORTION_IMAGES, PORTION_BYTES // self.image_bytes), 1)
        pieces = [piece.tolist() for lot in places for piece in lot.split(size)]
        loader: DataLoader[tuple[Tensor, list[str | bytes]]] = DataLoader(
            _Pieces(self.sources, self.preprocess),
            batch_size=None,
            sampler=pieces,
            num_workers=self.workers,
            collate_fn=_as_it_is,
            worker_init_fn=_begin,
            generator=torch.Generator(),  # it would draw from the global one, which is the network's
        )
        results = iter(zip(pieces, _guarded(loader), strict=True))
        for lot in places:
            out, filled = self.empty(len(lot)), 0
            while filled < len(lot):
                piece, (rows, said) = next(results)
                out[filled : filled + len(piece)] = rows
                filled += len(piece)
                for place, word in zip(piece, said, strict=True):
                    self._note(place, word)
            yield out.permute(0, 3, 1, 2)

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


class _Pieces(Dataset[tuple[Tensor, list[str | bytes]]]):
    """A list of places -> their pixels M x H x W x C, and for each image its digest or why it failed."""

    def __init__(self, sources: Sequence[Source], preprocess: Preprocess):
        self.sources, self.preprocess = sources, preprocess

    def __getitem__(self, places: list[int]) -> tuple[Tensor, list[str | bytes]]:
        channels, height, width = self.preprocess.input_size
        out = torch.full((len(places), height, width, channels), GRAY, dtype=torch.uint8)
        said: list[str | bytes] = []
        for i, place in enumerate(places):
            row = read_row(self.sources[place], self.preprocess)
            if isinstance(row, Row):
                out[i] = torch.from_numpy(row.pixels)
            said.append(row.digest if isinstance(row, Row) else row)
        return out, said


def _guarded(loader: DataLoader[tuple[Tensor, list[str | bytes]]]) -> Iterator[tuple[Tensor, list[str | bytes]]]:
    try:
        yield from loader
    except RuntimeError as problem:
        if "worker" not in str(problem):
            raise
        raise DataError(
            f"a process that decodes images has ended ({str(problem).splitlines()[0]}): "
            "if memory is short, use fewer of them (--workers 1)"
        ) from problem


def _as_it_is(piece: Any) -> Any:
    return piece


def _begin(_: int) -> None:
    # Ctrl-C reaches every process of a terminal; only the one that trains decides what happens then.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
