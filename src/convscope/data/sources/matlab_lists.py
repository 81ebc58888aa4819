"""Lists of images in MATLAB files, such as `train_list.mat` and `test_list.mat` of Stanford Dogs."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...errors import printable
from ...problems import warn
from .folder import File, has_image_suffix, read_file_up_to

# Bytes of a list: those of Stanford Dogs have 0.3 MB.
LIMIT = 1 << 22


def matlab_names(path: str, item: File) -> list[str]:
    """Return the names of images in a MATLAB file; none, with a warning, where it is not read."""
    try:
        from scipy.io import loadmat
    except ImportError:
        text = "this list of images is read with SciPy only: pip install scipy, or save the names as .txt"
        warn("split-lists", printable(path), text)
        return []
    try:
        variables = loadmat(io.BytesIO(read_file_up_to(item, LIMIT)))
    except Exception as problem:  # scipy raises all kinds
        warn("split-lists", printable(path), f"cannot be read as a MATLAB file ({type(problem).__name__})")
        return []
    for value in variables.values():
        names = [*_texts(value)]
        if names and all(map(has_image_suffix, names)):
            return names
    return []


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts in an array of texts, or of cells with one text each."""
    for cell in value.ravel() if isinstance(value, np.ndarray) else ():
        if isinstance(cell, str):
            yield cell
        elif isinstance(cell, np.ndarray) and cell.size == 1:
            yield from _texts(cell)
