"""Images without labels: every image below a folder or in an archive, for what needs no classes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ..image_file import is_gray
from ..split import Data, Split
from .file_tree import open_folder


def load_unlabelled(path: Path, encoding: str, reason: str) -> Data:
    """Load all images at a path as the split `all`, with the empty label; `reason` says why they have no other."""
    images = open_folder(path, encoding).images()
    split = Split([item for _, item in images], np.zeros(len(images), dtype=np.int64), [name for name, _ in images])
    data = Data(os.fspath(path), [""], {"all": split}, untrainable=reason)
    data.channels = 1 if images and is_gray(images[0][1]) else 3
    return data
