"""A trained run for the verbs in an empty working directory, and pictures to predict."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import convscope as cs


@pytest.fixture
def run(digits_run, tmp_path, monkeypatch) -> str:
    monkeypatch.chdir(tmp_path)
    return str(digits_run.folder)


@pytest.fixture
def pictures(tmp_path) -> Path:
    """Ten digits as files, named after what they show, and three files that are no images."""
    split = cs.load_data("digits").splits["test"]
    folder = tmp_path / "pictures"
    folder.mkdir()
    for label in range(10):
        Image.fromarray(split.images[int(np.flatnonzero(split.labels == label)[0])]).save(folder / f"{label}.png")
    (folder / "cut.png").write_bytes((folder / "0.png").read_bytes()[:60])
    (folder / "page.jpg").write_text("<html></html>")
    (folder / "notes.txt").write_text("not an image, and not called one")
    return folder
