"""NumPy files with images and labels, as of Keras (`x_train`, `y_train`) and MedMNIST; no pickle in them is read."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import numpy as np

from ...errors import DataError, printable
from ...problems import listed
from ..split import Data, Origin
from .folder import File, Folder, read_file_up_to
from .pixel_values import PixelPart, as_pictures, picture_side, pixel_data, to_bytes
from .split_names import SPLIT_OF_WORD

SUFFIX = ".npz"
# Bytes of a file, and of all arrays in it.
LIMIT = 1 << 33
ROLES = {
    **dict.fromkeys(("x", "image", "images", "img", "imgs", "data", "pixels", "pictures"), "images"),
    **dict.fromkeys(("y", "label", "labels", "target", "targets", "class", "classes"), "labels"),
}
ASK = "call the arrays x_train, y_train, x_test and y_test, or save the images as PNG"


def is_npz_name(name: str) -> bool:
    """Whether a name ends as that of a NumPy file of several arrays does."""
    return name.lower().endswith(SUFFIX)


def find_npz(folder: Folder) -> list[tuple[str, File]]:
    """Return the NumPy files in a folder, each with its name."""
    return [(name, item) for name, item in folder.files().items() if is_npz_name(name)]


def load_npz(files: list[tuple[str, File]], shown: str) -> Data:
    """Load the images and labels of one file; DataError says what its arrays are, if they are not understood."""
    if len(files) > 1:
        raise DataError(f"{shown}: several files of arrays, {listed([name for name, _ in files])}: give one as DATA")
    name, item = files[0]
    where = shown if shown.endswith(name) else f"{shown}/{printable(name)}"
    arrays = _arrays(item, where)
    roles = _roles(arrays)
    parts: dict[str, PixelPart] = {}
    for split, keys in roles.items():
        if set(keys) != {"images", "labels"}:
            raise DataError(f"{where}: of its arrays {_told(arrays)}, images and labels are not told apart: {ASK}")
        images, labels = _pictures(arrays[keys["images"]], where), _labels(arrays[keys["labels"]], where)
        if len(images) != len(labels):
            text = f"{len(images):,} images in {keys['images']} but {len(labels):,} labels in {keys['labels']}"
            raise DataError(f"{where}: {text}: save those that belong together")
        parts[split] = PixelPart(images, labels, [f"{name}:{keys['images']}[{i}]" for i in range(len(images))])
    if not parts:
        raise DataError(f"{where}: of its arrays {_told(arrays)}, images and labels are not told apart: {ASK}")
    if len(parts) == 1:
        parts = {"train": next(iter(parts.values()))}
    told = listed([keys["labels"] for keys in roles.values()])
    return pixel_data(shown, parts).described(Origin(f"arrays {told}", "names of arrays" if len(parts) > 1 else ""))


def _arrays(item: File, where: str) -> dict[str, np.ndarray]:
    source = item if isinstance(item, Path) else io.BytesIO(read_file_up_to(item, LIMIT))
    try:
        with zipfile.ZipFile(source) as archive:
            total = sum(member.file_size for member in archive.infolist())
        if total > LIMIT:
            raise DataError(f"{where}: more than {LIMIT >> 30} GiB unpacked: save the images as PNG")
        with np.load(source, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except DataError:
        raise
    except Exception as problem:  # a damaged file may raise whatever a parser can raise
        if "allow_pickle" in str(problem):
            text = "it holds Python objects, which may run code and are not read: save plain arrays of numbers"
            raise DataError(f"{where}: {text}") from problem
        raise DataError(f"{where}: not a NumPy file that can be read: save or download it again") from problem


def _roles(arrays: dict[str, np.ndarray]) -> dict[str, dict[str, str]]:
    """Return by split which array has the images, and which one the labels, by the words of their names."""
    roles: dict[str, dict[str, str]] = {}
    for key in arrays:
        words = [word for word in re.split(r"[\W_\d]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower()) if word]
        splits = {SPLIT_OF_WORD[word] for word in words if word in SPLIT_OF_WORD}
        meant = [ROLES[word] for word in words if word in ROLES]
        joined = re.fullmatch(r"([xy])(train|trn|val|valid|test|tst)", "".join(words))  # Xtrain
        if joined:
            splits, meant = {SPLIT_OF_WORD[joined[2]]}, [ROLES[joined[1]]]
        if len(splits) < 2 and meant:
            roles.setdefault(next(iter(splits), "train"), {}).setdefault(meant[0], key)
    return roles


def _pictures(values: np.ndarray, where: str) -> np.ndarray:
    """Return an array of images as bytes, N x H x W or N x H x W x 3, from any usual order of its axes."""
    if values.dtype.kind not in "uifb" or not values.size:
        raise DataError(f"{where}: its images are an array of {values.dtype}: save numbers")
    if values.ndim == 4 and values.shape[1] in (1, 3) and values.shape[3] not in (1, 3):
        values = values.transpose(0, 2, 3, 1)
    if values.ndim == 4 and values.shape[3] == 1:
        values = values[..., 0]
    if values.ndim == 2 and picture_side(values.shape[1]):
        return as_pictures(to_bytes(values, where), where)
    if values.ndim != 3 and not (values.ndim == 4 and values.shape[3] == 3):
        text = f"its images have the axes {_shape(values)}, which are neither N x H x W nor N x H x W x 3"
        raise DataError(f"{where}: {text}: volumes and further channels are not read")
    return to_bytes(np.ascontiguousarray(values), where)


def _labels(values: np.ndarray, where: str) -> list[str]:
    """Return the label of each image as text; one row of marks per image gives the number of the marked one."""
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim == 2 and np.isin(values, (0, 1)).all():
        if (values.sum(1) != 1).any():
            raise DataError(f"{where}: several labels per image in arrays are not read: save the images as PNG")
        values = values.argmax(1)
    if values.ndim != 1 or values.dtype.kind not in "uifbUS":
        text = f"its labels have the axes {_shape(values)} of {values.dtype}"
        raise DataError(f"{where}: {text}: save one number or name per image")
    if values.dtype.kind == "f" and (values == np.round(values)).all():
        values = values.astype(np.int64)
    if values.dtype.kind == "f":
        raise DataError(f"{where}: its labels are numbers with fractions, which are no classes")
    return [value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in values.tolist()]


def _told(arrays: dict[str, np.ndarray]) -> str:
    return listed([f"{key} ({_shape(values)})" for key, values in arrays.items()], 6)


def _shape(values: np.ndarray) -> str:
    return " x ".join(map(str, values.shape))
