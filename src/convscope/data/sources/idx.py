"""IDX, the file format of MNIST and similar sets: a magic number, the sizes, then bytes; plain or in gzip."""

from __future__ import annotations

import gzip
import io
import re
import struct
import zlib

import numpy as np

from ...errors import DataError, printable
from ...problems import listed
from ..image_file import UnreadableImage, read_file
from ..kind import decide_kind
from ..split import Data, Split, hold_out
from .archive import Member
from .assemble import warn_about_counts
from .class_names_file import CLASS_NAME_FILES, read_class_names
from .folder import File, Folder

# Every set of this kind is smaller, compressed or not; a gzip bomb is stopped here.
LIMIT = 1 << 29
# `emnist-letters-train-images-idx3-ubyte.gz`, `train-images.idx3-ubyte`, `t10k-labels-idx1-ubyte` and the like. What
# stands before the part tells several sets in one folder apart.
NAME = re.compile(
    r"(?P<set>.*?)(?P<part>train|training|t10k|test|val|valid|validation)[-_. ]?(?P<role>image|label)s?"
    r"([-_. ]?idx[13])?([-_. ]?ubyte)?(?P<packed>\.gz)?",
    re.IGNORECASE,
)
PARTS = {"train": "train", "training": "train", "t10k": "test", "test": "test"}
MAX_CLASSES = 256
Pair = tuple[File, File]


def find_idx(folder: Folder, wanted: str | None = None) -> dict[str, Pair] | None:
    """Return the image file and label file of each split in a folder or its `raw/`; None if it has no IDX files.

    `wanted` chooses among several sets, by the beginning of their file names. Raises DataError if a file is missing
    beside the others, or if there are several sets and none is chosen.
    """
    for holder in (folder.folder("raw"), folder):
        sets: dict[str, dict[str, dict[str, File]]] = {}
        for name, item in (holder.files() if holder else {}).items():
            match = NAME.fullmatch(name)
            if match and ("idx" in name.lower() or "ubyte" in name.lower()):
                part = PARTS.get(match["part"].lower(), "val")
                # `x` is listed before `x.gz`, and the first one is taken.
                files = sets.setdefault(match["set"].rstrip("-_. "), {}).setdefault(part, {})
                files.setdefault(match["role"].lower(), item)
        if wanted is not None:
            sets = {name: parts for name, parts in sets.items() if name == wanted}
        if len(sets) > 1:
            names = listed([f"{name}-..." if name else "no name" for name in sorted(sets)])
            raise DataError(f"{_where(holder)}IDX files of several sets ({names}): keep one set per folder")
        if sets:
            return _pairs(next(iter(sets.values())), holder)
    return None


def _pairs(parts: dict[str, dict[str, File]], folder: Folder | None) -> dict[str, Pair]:
    where = _where(folder)
    if "train" not in parts:
        raise DataError(f"{where}IDX files of {', '.join(parts)}, but none of train: add them")
    for part, roles in parts.items():
        if missing := {"image", "label"} - roles.keys():
            raise DataError(f"{where}the {missing.pop()}s of {part} are missing beside the other IDX files: add them")
    return {part: (roles["image"], roles["label"]) for part, roles in parts.items()}


def _where(folder: Folder | None) -> str:
    return f"{printable(folder)}: " if folder and folder.path else ""


def load_idx(folder: Folder, pairs: dict[str, Pair], shown: str) -> Data:
    """Load the files that `find_idx` returned, and class names from a file beside them if there is one."""
    files = {name.lower(): item for name, item in folder.files().items()}
    names_file = next((files[name] for name in CLASS_NAME_FILES if name in files), None)
    names = read_class_names(names_file) if names_file is not None else None
    arrays = {part: read_idx_pair(*pair, len(names) if names else MAX_CLASSES) for part, pair in pairs.items()}
    used = sorted(set().union(*(np.unique(labels).tolist() for _, labels in arrays.values())))
    if names is None and used[0] > 0:  # as in EMNIST's letters, which are numbered from 1
        arrays = {part: (images, labels - used[0]) for part, (images, labels) in arrays.items()}
    classes = names or [str(i) for i in range(used[0], used[-1] + 1)]
    data = idx_data(shown, classes, arrays)
    warn_about_counts(shown, data.class_names, data.counts())
    return data


def idx_data(shown: str, class_names: list[str], arrays: dict[str, tuple[np.ndarray, np.ndarray]]) -> Data:
    """Build a data set of gray images from images and labels by split; without `val`, it is held out of `train`."""
    splits = {
        part: Split(images, labels, [f"{printable(shown)}/{part}/{i:05d}" for i in range(len(labels))])
        for part, (images, labels) in arrays.items()
    }
    data = Data(shown, class_names, hold_out(splits), held_out="val" not in splits)
    decide_kind(data)
    return data


def read_idx_pair(images_path: File, labels_path: File, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Read images N x H x W (uint8) and labels N (int64, 0 <= label < classes); DataError if they do not match."""
    images, labels = read_idx(images_path, 3), read_idx(labels_path, 1)
    if len(images) != len(labels):
        raise DataError(
            f"{printable(images_path)} has {len(images):,} images but {printable(labels_path)} has {len(labels):,} "
            "labels: use files of the same set"
        )
    if len(labels) and labels.max() >= classes:
        raise DataError(
            f"{printable(labels_path)}: label {labels.max()} is out of range for {classes} classes: wrong file?"
        )
    return images, labels.astype(np.int64)


def read_idx(path: File, dimensions: int) -> np.ndarray:
    """Read the uint8 array in an IDX file that has `dimensions` axes; DataError says what is wrong with the file."""
    content = _unpacked(path)
    header = 4 + 4 * dimensions
    if len(content) < header:
        raise DataError(f"{printable(path)}: {len(content)} bytes are too few for an IDX file: download it again")
    magic = struct.unpack(">I", content[:4])[0]
    if magic != 0x0800 + dimensions:
        raise DataError(
            f"{printable(path)}: magic number {magic:#010x}, but IDX with {dimensions} axes of bytes has "
            f"{0x0800 + dimensions:#010x}: wrong or damaged file"
        )
    shape = struct.unpack(f">{dimensions}I", content[4:header])
    sizes, expected = " x ".join(map(str, shape)), int(np.prod(shape, dtype=object))
    if not expected:
        raise DataError(f"{printable(path)}: empty, its header says {sizes}: download it again")
    if len(content) - header != expected:
        raise DataError(
            f"{printable(path)}: the header says {sizes} = {expected:,} bytes, there are {len(content) - header:,}: "
            "cut short or damaged, download it again"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def _unpacked(path: File) -> bytes:
    try:
        content = path.read_up_to(LIMIT) if isinstance(path, Member) else read_file(path, LIMIT)
        if str(path).endswith(".gz"):
            with gzip.open(io.BytesIO(content)) as file:
                content = file.read(LIMIT + 1)
    except (OSError, EOFError, zlib.error, UnreadableImage) as problem:
        raise DataError(f"{printable(path)}: cannot be read ({printable(problem)}): download it again") from problem
    if len(content) > LIMIT:
        raise DataError(f"{printable(path)}: more than {LIMIT >> 20} MiB unpacked: too large for an IDX file")
    return content
