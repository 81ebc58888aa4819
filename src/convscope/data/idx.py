"""IDX, the file format of MNIST and its kin: a magic number, the sizes, then bytes. Packed (gzip) or not."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np

from ..errors import DataError, printable

PARTS = {"train": "train", "test": "t10k"}
# A few hundred megabytes hold every set of this kind; a bomb stops here.
LIMIT = 1 << 29


def find_idx_files(folder: Path) -> dict[str, tuple[Path, Path]] | None:
    """The image and label files of `train` and `test` below `folder`, or None if it has not all four.

    Takes torchvision's layout (`raw/` inside) and both spellings, with `-idx3-ubyte` and `.idx3-ubyte`.
    """
    for place in (folder / "raw", folder):
        found = {
            part: (_find(place, f"{stem}-images", 3), _find(place, f"{stem}-labels", 1)) for part, stem in PARTS.items()
        }
        complete = {part: (i, t) for part, (i, t) in found.items() if i is not None and t is not None}
        if len(complete) == len(PARTS):
            return complete
    return None


def read_idx_pair(images_path: Path, labels_path: Path, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Images N x H x W (uint8) and labels N (int64, 0 <= label < classes); DataError if they do not belong together."""
    images, labels = read_idx(images_path, 3), read_idx(labels_path, 1)
    if len(images) != len(labels):
        raise DataError(
            f"{printable(images_path)} has {len(images):,} images but {printable(labels_path)} has {len(labels):,} "
            "labels: use files of one and the same set"
        )
    if len(labels) and labels.max() >= classes:
        raise DataError(
            f"{printable(labels_path)}: label {labels.max()} is out of range for {classes} classes: wrong file?"
        )
    return images, labels.astype(np.int64)


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """The uint8 array in an IDX file of `dimensions` axes; DataError says what is wrong with it."""
    content = _unpacked(path)
    header = 4 + 4 * dimensions
    if len(content) < header:
        raise DataError(f"{printable(path)}: {len(content)} bytes are too few for an IDX file: fetch it again")
    magic = struct.unpack(">I", content[:4])[0]
    if magic != 0x0800 + dimensions:
        raise DataError(
            f"{printable(path)}: magic number {magic:#010x}, but IDX with {dimensions} axes of bytes has "
            f"{0x0800 + dimensions:#010x}: wrong or damaged file"
        )
    shape = struct.unpack(f">{dimensions}I", content[4:header])
    expected = int(np.prod(shape, dtype=object))
    if not expected:
        raise DataError(
            f"{printable(path)}: the header says {' x '.join(map(str, shape))}: nothing in it, fetch it again"
        )
    if len(content) - header != expected:
        raise DataError(
            f"{printable(path)}: the header promises {' x '.join(map(str, shape))} = {expected:,} bytes, "
            f"there are {len(content) - header:,}: cut or damaged, fetch it again"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def _unpacked(path: Path) -> bytes:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            content = file.read(LIMIT + 1)
    except (OSError, EOFError, zlib.error) as problem:
        raise DataError(f"{printable(path)}: cannot be read ({printable(problem)}): fetch it again") from problem
    if len(content) > LIMIT:
        raise DataError(f"{printable(path)}: more than {LIMIT >> 20} MiB unpacked: not a set of this kind")
    return content


def _find(folder: Path, stem: str, axes: int) -> Path | None:
    names = [f"{stem}{joint}idx{axes}-ubyte{ending}" for joint in "-." for ending in ("", ".gz")]
    return next((folder / name for name in names if (folder / name).is_file()), None)
