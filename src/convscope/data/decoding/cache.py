"""The cache of decoded images: files of pixels in the user's cache folder, shared by all runs and bounded in size.

An image is looked up by its key (which file, of what size and age) and by the digest of its content, among those that
were made with the same settings. No file is ever changed: new images make a new one, which gets its name when it is
whole. So any number of processes may use the cache at once, without locks.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import shutil
import socket
import time
import uuid
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

from ...errors import UsageError, printable
from ...files import UNFINISHED
from ..datasets import cache_folder
from ..preprocess import Preprocess
from .pixel_file import Pack, PackWriter
from .pixels import Rows, ahead
from .decoded_image import Row, digest_of

SUFFIX = ".pixels"
# To be raised when the same image and settings give other pixels than before.
VERSION = 1
# Without CONVSCOPE_CACHE_SIZE: the share of the disk that may be used, of what would be free without the cache.
SHARE = 0.5
# What is always left free.
SPARE = 500_000_000
STALE_SECONDS = 24 * 3600.0
LOTS_AHEAD, LOTS_ANNOUNCED = 2, 4


@dataclass(frozen=True)
class Entry:
    """A file of the cache, for whoever wants to see what there is; `about` is empty if it is damaged."""

    path: Path
    bytes: int
    used: float
    images: int
    about: dict[str, Any]


@dataclass
class Found:
    """Images that the cache has. By image: pack and row (N x 2, -1 where it has none) and digest; all their moments."""

    places: np.ndarray
    digests: list[bytes | None]
    moments: np.ndarray


def nothing_found(images: int, channels: int) -> Found:
    """Of so many images, none."""
    return Found(np.full((images, 2), -1, np.int64), [None] * images, np.zeros((2, channels), np.int64))


class PackRows(Rows):
    """Images that lie in packs: `places` is N x 2, the number of the pack and the row in it."""

    def __init__(self, packs: Sequence[Pack], places: np.ndarray, size: tuple[int, int, int]):
        super().__init__(len(places), size)
        self.packs, self.places = packs, places

    def take(self, places: Tensor) -> Tensor:
        """The images at `places`: M x C x H x W. Read in the order of the disk, neighbours at once."""
        wanted, out = self.places[places.numpy()], self.empty(len(places))
        view = out.numpy().reshape(-1).data
        order = np.lexsort((wanted[:, 1], wanted[:, 0]))
        pack, row = wanted[order].T
        alone = (np.diff(pack) != 0) | (np.diff(row) != 1) | (np.diff(order) != 1)
        starts = np.flatnonzero(np.append(len(order) > 0, alone))
        ends = np.append(starts, len(order))[1:]
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            first = int(order[start])
            room = view[first * self.image_bytes : (first + end - start) * self.image_bytes]
            self.packs[int(pack[start])].read_into(room, int(row[start]))
        return out.permute(0, 3, 1, 2)

    def portions(self, places: Sequence[Tensor]) -> Iterator[Tensor]:
        """What `take` gives for each of several lots; a thread reads the next ones meanwhile."""

        def fetch(number: int) -> Tensor:
            self._announce(places[number + LOTS_ANNOUNCED : number + LOTS_ANNOUNCED + 1])
            return self.take(places[number])

        self._announce(places[:LOTS_ANNOUNCED])
        with ThreadPoolExecutor(1) as pool:
            yield from ahead(pool, fetch, range(len(places)), LOTS_AHEAD)

    def _announce(self, lots: Sequence[Tensor]) -> None:
        """Let the system fetch several rows at once from a disk: half as long again is what it takes one by one."""
        for pack, row in (place for lot in lots for place in self.places[lot.numpy()].tolist()):
            self.packs[pack].announce(row)


class Cache:
    """What the cache at `root` holds of images made by `preprocess`, and room for more."""

    def __init__(self, root: Path, preprocess: Preprocess):
        self.root, self.size = root, preprocess.input_size
        self.row_bytes = int(np.prod(preprocess.input_size))
        self.settings = {
            **{name: value for name, value in preprocess.to_dict().items() if name not in ("mean", "std")},
            "version": VERSION,
            "pillow": PIL.__version__,
            "torch": version("torch"),
            "jpeg": features.version("libjpeg_turbo") or features.version("jpg") or "",
        }
        self.prefix = digest_of(repr(sorted(self.settings.items())).encode()).hex()[:16]
        found = sorted(root.glob(f"{self.prefix}-*{SUFFIX}"))
        self.packs = [pack for path in found if (pack := Pack.open(path, self.row_bytes)) is not None]
        self.in_use: set[Path] = set()
        self.broken = False

    def find(self, keys: Sequence[bytes | None]) -> Found:
        """Where the images with these keys are."""
        found = nothing_found(len(keys), self.size[0])
        wanted: dict[bytes | None, list[int]] = {}
        for i, key in enumerate(keys):
            wanted.setdefault(key, []).append(i)
        wanted.pop(None, None)
        for number, pack in enumerate(self.packs):
            index = pack.index(self.size[0])
            every_key, every_digest = index["key"].tobytes(), index["digest"].tobytes()
            for row in range(len(index)):
                for i in wanted.pop(every_key[16 * row : 16 * row + 16], ()):
                    found.places[i] = number, row
                    found.digests[i] = every_digest[16 * row : 16 * row + 16]
            here = found.places[found.places[:, 0] == number, 1]
            found.moments += index["moments"][here].sum(0)
            if len(here):
                self.in_use.add(pack.path)
                pack.touch()
        return found

    def by_digest(self) -> dict[bytes, tuple[int, int]]:
        """The pack and the row of every content."""
        found = {}
        for number, pack in enumerate(self.packs):
            joined = pack.index(self.size[0])["digest"].tobytes()
            for row in range(len(pack)):
                found[joined[16 * row : 16 * row + 16]] = number, row
        return found

    def read(self, place: tuple[int, int]) -> Row | None:
        """One row again; None if it cannot be read."""
        pack, row = self.packs[place[0]], place[1]
        pixels = np.empty((*self.size[1:], self.size[0]), np.uint8)
        try:
            entry = pack.entry(row, self.size[0])
            pack.read_into(pixels.reshape(-1).data, row)
        except OSError:
            return None
        return Row(pixels, entry["digest"].tobytes(), entry["moments"])

    def writer(self, keys: Sequence[bytes], source: str) -> PackWriter | None:
        """A new file for images with these keys, or None if there is no room. OSError where the disk raises one."""
        if self.broken:
            return None
        self.root.mkdir(parents=True, exist_ok=True)
        remove_stray(self.root)
        if not make_room(self.root, len(keys) * (self.row_bytes + 100), self.in_use):
            return None
        name = f"{self.prefix}-{digest_of(b''.join(keys)).hex()[:16]}{SUFFIX}"
        temporary = self.root / f"{UNFINISHED}{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        about = {"settings": self.settings, "source": printable(source)}
        return PackWriter(self.root / name, temporary, self.size[0], about)

    def add(self, pack: Pack) -> int:
        """A pack that was written now is one of ours; the result is its number."""
        self.packs.append(pack)
        self.in_use.add(pack.path)
        return len(self.packs) - 1

    def rows(self, places: np.ndarray) -> PackRows:
        """Images by pack and row. Packs of which none is wanted are not held open."""
        used = np.unique(places[:, 0])
        packs = [self.packs[number] for number in used.tolist()]
        return PackRows(packs, np.stack([np.searchsorted(used, places[:, 0]), places[:, 1]], 1), self.size)


def cache_root(choice: str) -> Path | None:
    """Where `--cache` says that decoded images are kept: `auto` is the user's cache folder, `off` nowhere."""
    if choice == "off":
        return None
    return cache_folder() / "decoded" if choice == "auto" else Path(choice)


def entries(root: Path) -> list[Entry]:
    """All files of a cache, the one that was used last first."""
    found = []
    for path in root.glob(f"*{SUFFIX}"):
        with contextlib.suppress(OSError):
            status = path.stat()
            pack = Pack.open(path)
            about = {} if pack is None else pack.about()
            images = len(pack) // math.prod(about["settings"]["input_size"]) if pack is not None else 0
            found.append(Entry(path, status.st_size, status.st_mtime, images, about))
    return sorted(found, key=lambda entry: entry.used, reverse=True)


def clear(root: Path) -> tuple[int, int, int]:
    """Remove every file of a cache; the result is how many, their bytes, and how many could not be removed.

    Runs that are reading them go on undisturbed (on Windows such files stay).
    """
    removed = freed = left = 0
    for path in [*root.glob(f"*{SUFFIX}"), *root.glob(f"{UNFINISHED}*")]:
        try:
            size = path.stat().st_size
            path.unlink()
            removed, freed = removed + 1, freed + size
        except FileNotFoundError:
            continue
        except OSError:
            left += 1
    return removed, freed, left


def size_limit(root: Path, used: int) -> int:
    """How many bytes the cache may hold: CONVSCOPE_CACHE_SIZE, or half of the disk that it finds free."""
    if text := os.environ.get("CONVSCOPE_CACHE_SIZE", "").strip():
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)b?", text.lower())
        if not match:
            raise UsageError(f"CONVSCOPE_CACHE_SIZE must be a size such as 500MB or 20GB, not {printable(repr(text))}")
        return int(float(match[1]) * 1000 ** " kmgt".index(match[2] or " "))
    return int(SHARE * (_free(root) + used))


def make_room(root: Path, needed: int, keep: set[Path]) -> bool:
    """Remove what was not used for longest until so many bytes fit; False, and nothing removed, if they never will."""
    files = []
    for path in root.glob(f"*{SUFFIX}"):
        with contextlib.suppress(OSError):
            status = path.stat()
            files.append((status.st_mtime, status.st_size, path))
    used = sum(size for _, size, _ in files)
    limit, free = size_limit(root, used), _free(root) - SPARE
    removable = sorted(file for file in files if file[2] not in keep)
    most = sum(size for _, size, _ in removable)
    if used - most + needed > limit or free + most < needed:
        return False
    for _, size, path in removable:
        if used + needed <= limit and free >= needed:
            break
        with contextlib.suppress(OSError):
            path.unlink()
        used, free = used - size, free + size
    return True


def remove_stray(root: Path) -> None:
    """Delete what processes that were killed have left behind; what one is writing now stays."""
    host = socket.gethostname()
    for path in root.glob(f"{UNFINISHED}*"):
        match = re.fullmatch(re.escape(f"{UNFINISHED}{host}-") + r"(\d+)-[0-9a-f]+", path.name)
        with contextlib.suppress(OSError):
            if (match and not _lives(int(match[1]))) or time.time() - path.stat().st_mtime > STALE_SECONDS:
                path.unlink()


def _lives(process: int) -> bool:
    if os.name == "nt":  # there is no harmless way to ask; what is open there cannot be deleted anyway
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _free(root: Path) -> int:
    while not root.exists() and root != root.parent:
        root = root.parent
    return shutil.disk_usage(root).free
