"""Make small data sets for tests: class folders, zip files of them, IDX files and pickles."""

from __future__ import annotations

import gzip
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np

from .hostile import small, write

IDX_IMAGES = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)
IDX_LABELS = np.array([3, 0, 9, 1, 0], dtype=np.uint8)


def make_folders(root: Path, counts: dict[str, int], start: int = 0) -> Path:
    """Make folders below `root` with so many pictures each, all of them different."""
    for folder, count in counts.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            start += 1
            write(root / folder / f"{i:03d}.png", small(start))
    return root


def class_by_name(data, split: str) -> dict[str, str]:
    """Return for every image of a split, by its name, the name of its class."""
    part = data.split(split)
    return {name: data.class_names[label] for name, label in zip(part.names, part.labels, strict=True)}


def zip_files(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def zip_folder(path: Path, folder: Path, below: str = "", method: int = zipfile.ZIP_DEFLATED) -> Path:
    files = {below + str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
    return zip_files(path, files, method)


def idx_bytes(array: np.ndarray, magic: int | None = None, shape: tuple[int, ...] | None = None) -> bytes:
    """Return the content of an IDX file, with another magic number or shape in its header if they are given."""
    shape = array.shape if shape is None else shape
    return struct.pack(f">I{len(shape)}I", magic or 0x0800 + array.ndim, *shape) + array.tobytes()


def write_idx_set(folder: Path, joint: str = "-", ending: str = "") -> Path:
    """Write the four files of a set like MNIST, with five images in each part."""
    folder.mkdir(parents=True, exist_ok=True)
    pack = gzip.compress if ending else bytes
    for stem in ("train", "t10k"):
        (folder / f"{stem}-images{joint}idx3-ubyte{ending}").write_bytes(pack(idx_bytes(IDX_IMAGES)))
        (folder / f"{stem}-labels{joint}idx1-ubyte{ending}").write_bytes(pack(idx_bytes(IDX_LABELS)))
    return folder


def pickle_as_python2(value: object) -> bytes:
    """Pickle as Python 2 did for CIFAR: text is bytes, and NumPy has an older name."""
    content = pickle.dumps(value, protocol=2)
    return content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
