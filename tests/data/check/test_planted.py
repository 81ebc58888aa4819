"""Faults planted among real photographs are found by `check`: what was planted, and nothing else of its kind."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from skimage import data as photos

from convscope.cli import main

SIDE = 100


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Two classes of parts of photographs that do not overlap, of 13 patients, with train and test folders.

    Ten copies of training images in test, five mirrored and cropped ones, five images of one colour, and images of the
    patient p00 on both sides; all other patients are on one side.
    """
    root = tmp_path_factory.mktemp("planted") / "set"
    parts = []
    for photo in (photos.astronaut(), photos.coffee(), photos.chelsea(), photos.rocket()):
        height, width = (side // SIDE for side in photo.shape[:2])
        tiles = [photo[y * SIDE :, x * SIDE :][:SIDE, :SIDE] for y in range(height) for x in range(width)]
        parts += [tile for tile in tiles if tile.std() > 30]
    assert len(parts) >= 45

    def save(split: str, patient: int, number: int, picture: np.ndarray) -> str:
        name = f"{split}/{'ab'[number % 2]}/p{patient:02d}_{number:03d}.png"
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(root / name)
        return name

    train = [save("train", i % 10, i, part) for i, part in enumerate(parts[:40])]
    save("test", 0, 40, parts[40])
    for i, part in enumerate(parts[41:]):
        save("test", 11 + i % 2, 41 + i, part)
    copies = {(train[i], save("test", 11 + i % 2, 100 + i, parts[i])) for i in range(10)}
    changed = set()
    for i in range(10, 15):
        cut = np.ascontiguousarray(parts[i][8:94, 5:90][:, ::-1])
        changed.add((train[i], save("test", 11 + i % 2, 100 + i, np.asarray(Image.fromarray(cut).resize((90, 90))))))
    blank = {save("train", i, 200 + i, np.full((SIDE, SIDE, 3), 40 * i, np.uint8)) for i in range(1, 6)}
    return root, copies, changed, blank


def found_by(kind: str, problems: list[dict]) -> list[tuple[str, ...]]:
    return [tuple(sorted(problem["images"])) for problem in problems if problem["kind"] == kind]


def test_all_that_was_planted_is_found(planted, capsys):
    root, copies, changed, blank = planted
    assert main(["check", str(root), "--near", "--json"]) == 0
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert sorted(found_by("copy-two-splits", problems)) == sorted(tuple(sorted(pair)) for pair in copies)
    found, there = set(found_by("transformed", problems)), {tuple(sorted(pair)) for pair in changed}
    assert found <= there and len(found) >= 4  # one shows little more than a blur
    assert [set(images) for images in found_by("blank", problems)] == [blank]
    (likely,) = (problem["message"] for problem in problems if problem["kind"] == "likely-groups")
    # Four more lie in train and in what is held out of it for validation.
    assert "are 5 of them (p00, p01" in likely and "--group-by 'pattern:" in likely


def test_the_patient_that_a_split_cuts_is_named(planted, capsys):
    root, *_ = planted
    words = ["check", str(root), "--group-by", "pattern:(p[0-9]+)_", "--json"]
    assert main(words) == 0
    problems = json.loads(capsys.readouterr().out)["problems"]
    (cut,) = (problem["message"] for problem in problems if problem["kind"] == "groups-cut")
    assert cut.endswith("1 groups (p00)")
