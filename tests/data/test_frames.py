"""Images of several pages or frames: `check` counts all of them, a training says so, smaller copies do not count."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from convscope.data import load_data
from convscope.data.check.report import check_data
from convscope.data.frames import count_frames
from convscope.problems import collect_problems

from .sets import make_folders


def encoded(kind: str, frames: int, shrink: int = 0) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (frames, 16, 16, 3), dtype=np.uint8)
    first, *rest = [Image.fromarray(picture).resize((16 - shrink * i,) * 2) for i, picture in enumerate(noise)]
    file = io.BytesIO()
    first.save(file, kind, save_all=True, append_images=rest)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "WEBP", "PNG"])
@pytest.mark.parametrize("frames", [1, 3])
def test_every_format_tells_its_frames(kind, frames):
    assert count_frames(encoded(kind, frames)) == frames


def test_smaller_copies_in_a_tiff_are_no_pages_and_damaged_files_have_none():
    assert count_frames(encoded("TIFF", 3, shrink=4)) == 1
    assert count_frames(encoded("GIF", 3)[:60]) == 1 == count_frames(b"no image")


def test_check_and_training_say_that_the_first_is_used(tmp_path):
    make_folders(tmp_path, {"cat": 4, "dog": 4})
    for name in ("cat/stack.tif", "dog/moving.gif"):
        (tmp_path / name).write_bytes(encoded("TIFF" if "tif" in name else "GIF", 3))
    said = [problem for problem in check_data(tmp_path).problems if problem.kind == "frames"]
    assert len(said) == 1 and "2 of 10 files have several pages or frames" in said[0].message
    assert sorted(said[0].images) == ["cat/stack.tif", "dog/moving.gif"]
    with collect_problems() as problems:
        load_data(tmp_path)
    assert ["only the first of each is used" in each.message for each in problems if each.kind == "frames"] == [True]
