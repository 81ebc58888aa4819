"""The cache of decoded images: files of pixels in the user's cache folder, shared by all runs, limited in size.

An image is found by its key (path, size and time of its file) or by the digest of its content, among those made with
the same settings. No file is ever changed: new images make a new file, which is renamed to its final name when it is
complete. So any number of processes can use the cache at the same time without locks.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import uuid
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from PIL import features
from torch import Tensor

from ...errors import DataError, printable
from ...files import UNFINISHED
from ..preprocess import Preprocess
from .ahead import map_ahead
from .cache_files import SUFFIX, delete_unfinished, make_room
from .decoded_image import DecodedImage, RawImage, decode_image, digest_of
from .pixel_file import PixelFile, PixelFileWriter
from .pixels import LazyPixels

log = logging.getLogger("convscope")

# To be raised when the same image and settings give other pixels than before.
VERSION = 2
# Bytes of an index entry, at most.
ENTRY_BYTES = 100
BATCHES_AHEAD, BATCHES_PREFETCHED = 2, 4


@dataclass
class CacheHits:
    """Which of N images the cache has.

    `locations` (N x 2) has the file and the row of each image, -1 where there is none, `digests` the digest or None.
    `moments` is the sum over all images found.
    """

    locations: np.ndarray
    digests: list[bytes | None]
    moments: np.ndarray


def no_hits(images: int, channels: int) -> CacheHits:
    """Return the result of looking for `images` images and finding none."""
    return CacheHits(np.full((images, 2), -1, np.int64), [None] * images, np.zeros((2, channels), np.int64))


class CachedPixels(LazyPixels):
    """Images in pixel files; `locations` (N x 2) has for each the index of its file and its row there.

    An image that differs from what was written is decoded again from `images`, warned about, and its file is deleted.
    """

    def __init__(
        self, files: Sequence[PixelFile], locations: np.ndarray, images: Sequence[RawImage], preprocess: Preprocess
    ):
        super().__init__(len(locations), preprocess.input_size)
        self.files, self.locations, self.images, self.preprocess = files, locations, images, preprocess
        self.checksums = [file.index(preprocess.input_size[0])["checksum"] for file in files]
        self.damaged: set[Path] = set()

    def take(self, indices: Tensor) -> Tensor:
        """Return the images at `indices`: M x C x H x W. Read in the order of the disk, neighbours in one go."""
        wanted, out = self.locations[indices.numpy()], self.empty(len(indices))
        view = out.numpy().reshape(-1).data
        order = np.lexsort((wanted[:, 1], wanted[:, 0]))
        file, row = wanted[order].T
        apart = (np.diff(file) != 0) | (np.diff(row) != 1) | (np.diff(order) != 1)
        starts = np.flatnonzero(np.append(len(order) > 0, apart))
        ends = np.append(starts, len(order))[1:]
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            first = int(order[start])
            part = view[first * self.image_bytes : (first + end - start) * self.image_bytes]
            self.files[int(file[start])].read_into(part, int(row[start]))
        self._check(indices, out.numpy())
        return out.permute(0, 3, 1, 2)

    def _check(self, indices: Tensor, pixels: np.ndarray) -> None:
        """Compare images M x H x W x C with the checksums of their rows, and decode again those that differ."""
        for i, image in zip(indices.tolist(), pixels, strict=True):
            number, row = self.locations[i].tolist()
            if zlib.crc32(image.reshape(-1).data) == self.checksums[number][row]:
                continue
            path = self.files[number].path
            if path not in self.damaged:
                self.damaged.add(path)
                log.warning("%s is damaged: images are decoded again, and the file is deleted", printable(path))
                with contextlib.suppress(OSError):
                    path.unlink()
            again = decode_image(self.images[i], self.preprocess)
            if isinstance(again, str):
                raise DataError(f"{printable(path)} is damaged, and an image of it cannot be read ({again})")
            image[:] = again.pixels

    def take_batches(self, batches: Sequence[Tensor]) -> Iterator[Tensor]:
        """Yield what `take` returns for each batch of indices; a thread reads the next batches meanwhile."""

        def fetch(number: int) -> Tensor:
            self._prefetch(batches[number + BATCHES_PREFETCHED : number + BATCHES_PREFETCHED + 1])
            return self.take(batches[number])

        self._prefetch(batches[:BATCHES_PREFETCHED])
        with ThreadPoolExecutor(1) as pool:
            yield from map_ahead(pool, fetch, range(len(batches)), BATCHES_AHEAD)

    def _prefetch(self, batches: Sequence[Tensor]) -> None:
        """Let the system load several rows at the same time, which takes two thirds of the time of one by one."""
        for file, row in (location for batch in batches for location in self.locations[batch.numpy()].tolist()):
            self.files[file].prefetch(row)


class RowCache:
    """The rows of bytes in the cache folder `root` that were made with `settings`, and a way to add more.

    A row is an image of `size` (C, H, W), or whatever is kept per image as so many bytes.
    """

    def __init__(self, root: Path, size: tuple[int, int, int], settings: dict[str, Any]):
        self.root, self.size, self.settings = root, size, settings
        self.image_bytes = int(np.prod(size))
        self.prefix = digest_of(repr(sorted(settings.items())).encode()).hex()[:16]
        paths = sorted(root.glob(f"{self.prefix}-*{SUFFIX}"))
        self.files = [file for path in paths if (file := PixelFile.open(path, self.image_bytes)) is not None]
        self.in_use: set[Path] = set()
        # Set when the disk has refused a file: nothing more is written then.
        self.broken = False

    def find(self, keys: Sequence[bytes | None]) -> CacheHits:
        """Look for the images with these keys."""
        hits = no_hits(len(keys), self.size[0])
        wanted: dict[bytes | None, list[int]] = {}
        for i, key in enumerate(keys):
            wanted.setdefault(key, []).append(i)
        wanted.pop(None, None)
        for number, file in enumerate(self.files):
            index = file.index(self.size[0])
            every_key, every_digest = index["key"].tobytes(), index["digest"].tobytes()
            for row in range(len(index)):
                for i in wanted.pop(every_key[16 * row : 16 * row + 16], ()):
                    hits.locations[i] = number, row
                    hits.digests[i] = every_digest[16 * row : 16 * row + 16]
            rows = hits.locations[hits.locations[:, 0] == number, 1]
            hits.moments += index["moments"][rows].sum(0)
            if len(rows):
                self.in_use.add(file.path)
                file.touch()
        return hits

    def by_digest(self) -> dict[bytes, tuple[int, int]]:
        """Return the location, file and row, of each digest."""
        locations = {}
        for number, file in enumerate(self.files):
            joined = file.index(self.size[0])["digest"].tobytes()
            for row in range(len(file)):
                locations[joined[16 * row : 16 * row + 16]] = number, row
        return locations

    def read(self, location: tuple[int, int]) -> DecodedImage | None:
        """Return the image at a location, file and row; None if it cannot be read."""
        file, row = self.files[location[0]], location[1]
        pixels = np.empty((*self.size[1:], self.size[0]), np.uint8)
        try:
            entry = file.entry(row, self.size[0])
            file.read_into(pixels.reshape(-1).data, row)
        except OSError:
            return None
        if zlib.crc32(pixels.reshape(-1).data) != entry["checksum"]:
            return None
        return DecodedImage(pixels, entry["digest"].tobytes(), entry["moments"])

    def writer(self, keys: Sequence[bytes], source: str) -> PixelFileWriter | None:
        """Start a new file for the images with these keys; None if there is no room. OSError if the disk refuses."""
        if self.broken:
            return None
        self.root.mkdir(parents=True, exist_ok=True)
        delete_unfinished(self.root)
        if not make_room(self.root, len(keys) * (self.image_bytes + ENTRY_BYTES), self.in_use):
            return None
        name = f"{self.prefix}-{digest_of(b''.join(keys)).hex()[:16]}{SUFFIX}"
        temporary = self.root / f"{UNFINISHED}{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        description = {"settings": self.settings, "source": printable(source)}
        return PixelFileWriter(self.root / name, temporary, self.size[0], description)

    def add(self, file: PixelFile) -> int:
        """Add a file that was written just now and return its index."""
        self.files.append(file)
        self.in_use.add(file.path)
        return len(self.files) - 1


class Cache(RowCache):
    """The images in the cache folder `root` that were made by `preprocess`, and a way to add more."""

    def __init__(self, root: Path, preprocess: Preprocess):
        self.preprocess = preprocess
        settings = {
            **{name: value for name, value in preprocess.to_dict().items() if name not in ("mean", "std")},
            "version": VERSION,
            "pillow": PIL.__version__,
            "torch": version("torch"),
            "jpeg": features.version("libjpeg_turbo") or features.version("jpg") or "",
        }
        super().__init__(root, preprocess.input_size, settings)

    def pixels(self, locations: np.ndarray, images: Sequence[RawImage]) -> CachedPixels:
        """Return these `images` from their locations (N x 2: file, row), and hold open only their files."""
        used = np.unique(locations[:, 0])
        files = [self.files[number] for number in used.tolist()]
        own = np.stack([np.searchsorted(used, locations[:, 0]), locations[:, 1]], 1)
        return CachedPixels(files, own, images, self.preprocess)
