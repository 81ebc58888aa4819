"""Faults planted among real digits are found; the page shows them, and its list is what training takes."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

import convscope as cs
from convscope.cli import main
from convscope.data.exclude import read_exclusions

from ..offline_page import opened


@pytest.fixture(scope="module")
def checked(tmp_path_factory) -> tuple[dict, Path, dict[str, set[str]]]:
    """The findings of `check` on 900 digits with planted faults, the folder with its page, and the faults by kind."""
    root, random = tmp_path_factory.mktemp("planted"), np.random.default_rng(3)
    part = cs.load_data("mnist-5k").splits["train"]
    chosen = random.permutation(len(part))[:900].tolist()
    planted: dict[str, set[str]] = {kind: set() for kind in ("label", "copy", "transformed", "blank")}

    def write(split: str, label: int, name: str, pixels: np.ndarray) -> str:
        path = root / "set" / split / str(label) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        return f"{split}/{label}/{name}"

    for k, i in enumerate(chosen):
        label, pixels = int(part.labels[i]), part.images[i]
        moved = (label + int(random.integers(1, 10))) % 10 if k < 20 else label
        name = write("test" if k >= 700 else "train", moved, f"{k:03d}.png", pixels)
        if k < 20:
            planted["label"].add(name)
        elif k < 30:
            planted["copy"].add(write("test", label, f"copy{k}.png", pixels))
        elif k < 35:
            part_of = ImageOps.mirror(Image.fromarray(pixels)).crop((2, 1, 26, 27)).resize((28, 28))
            planted["transformed"].add(write("test", label, f"part{k}.png", np.asarray(part_of)))
        elif k < 40:
            planted["blank"].add(write("train", label, f"blank{k}.png", np.full((28, 28), k, np.uint8)))
    words = ["check", str(root / "set"), "--kind", "digits", "--labels", "--near", "--json"]
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.chdir(root)
        assert main([*words, "--output", "check.html", "--write-exclude", "out.csv"]) == 0
    return json.loads(printed.getvalue()), root, planted


def test_planted_faults_are_found(checked):
    found, root, planted = checked
    doubts = {doubt["path"] for doubt in found["labels"]["doubts"]}
    hits = len(doubts & planted["label"])
    # Of 900 images; of all 5,000, as test_label_errors.py asserts, at least 0.8 are found.
    assert hits / 20 >= 0.7 and hits / len(doubts) >= 0.8, (hits, len(doubts))
    of_kind: dict[str, set[str]] = {p["kind"]: set() for p in found["problems"]}
    for problem in found["problems"]:
        of_kind[problem["kind"]] |= set(problem.get("images", ()))
    assert {name for name in of_kind["copy-two-splits"] if "copy" in name} == planted["copy"]
    assert len(of_kind["copy-two-splits"]) == 2 * len(planted["copy"])
    assert of_kind["blank"] == planted["blank"]
    assert not found["labels"]["outliers"]  # blank images are told as such, and not judged
    parts = [p["images"] for p in found["problems"] if p["kind"] == "transformed"]
    assert len({name for pair in parts for name in pair} & planted["transformed"]) >= 4
    assert len(parts) <= 6  # at most one pair of different digits
    excluded = set(read_exclusions(root / "out.csv"))
    assert excluded >= planted["blank"] | (planted["label"] & doubts) and not excluded & planted["copy"]


def test_the_page_shows_them_and_saves_what_is_ticked(checked, browser, tmp_path):
    _, root, planted = checked
    with opened(browser, (root / "check.html").as_uri(), accept_downloads=True) as page:
        assert page.locator("#blank figure").count() == 5 and page.locator("#copy-two-splits .finding").count() == 10
        assert page.locator("#copy-two-splits .finding").first.locator("img").count() == 2
        box = page.locator("#blank input").first
        name = box.get_attribute("data-name")
        assert box.is_checked() and name in planted["blank"]
        box.uncheck()
        with page.expect_download() as download:
            page.get_by_role("button", name="Save the list").click()
        download.value.save_as(tmp_path / "list.csv")
        page.get_by_role("button", name="中文").click()
        assert "镜像或裁剪的副本：" in page.locator("#transformed .finding").first.inner_text()
        assert "空白图像" in page.inner_text("body") and "Blank images" not in page.inner_text("body")
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    with (root / "out.csv").open() as file:
        written = {row["path"] for row in csv.DictReader(file)}
    assert set(read_exclusions(tmp_path / "list.csv")) == written - {name}


def test_a_hostile_name_harms_nothing(browser, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for label in ("<script>alert(1)<", "正常"):
        for i in range(4):
            path = Path("set") / label / f"{i}'\"=.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (9, 9), 60 * i).save(path)
    assert main(["check", "set", "--output", "check.html", "--json"]) == 0
    with opened(browser, Path("check.html").absolute().as_uri()) as page:
        assert "<script>alert(1)<" in page.inner_text("body") and "正常" in page.inner_text("body")
