"""Sliding through the epochs of a run, its curves, and a training that goes on while the page looks."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import convscope as cs

from .conftest import chances, served

SLIDE = """(range, at) => { range.value = at; range.dispatchEvent(new Event("input", { bubbles: true })); }"""


def eventually(page: Any, true: Callable[[], bool]) -> None:
    """Answers take a moment; longer where much else runs."""
    for _ in range(200):
        if true():
            return
        page.wait_for_timeout(50)
    assert true()


@pytest.fixture(scope="module")
def finished(digits_run: cs.Run) -> Iterator[str]:
    with served(str(digits_run.folder)) as address:
        yield address


def test_maps_answers_and_kernels_follow_the_epochs(visit, finished):
    page = visit(finished)
    page.locator(".thumb").first.click()
    page.locator(".verdict .figure").wait_for()
    trained = chances(page)
    page.locator("#epochs input").evaluate(SLIDE, 0)
    page.locator("#epochs .epoch-word", has_text="before training").wait_for()
    page.locator(".epoch-slider output", has_text="before training").first.wait_for()
    eventually(page, lambda: chances(page) != trained)
    assert max(chances(page).values()) < 40  # it has learned nothing yet
    page.locator("#to-training").click()
    page.locator(".moment h2", has_text="random weights").wait_for()
    kernels = page.locator(".moment-layer canvas").last
    before = kernels.evaluate("canvas => canvas.toDataURL()")
    page.locator("#tab-training input[type=range]").evaluate(SLIDE, 12)
    page.locator(".moment h2", has_text="After epoch 12").wait_for()
    eventually(page, lambda: kernels.evaluate("canvas => canvas.toDataURL()") != before)
    page.get_by_role("button", name="To the end").last.click()
    page.locator("#to-network").click()
    eventually(page, lambda: chances(page) == trained)


def test_curves_are_drawn_and_lead_to_an_epoch(visit, finished):
    page = visit(finished)
    page.locator("#to-training").click()
    page.locator(".run-state", has_text="Finished").wait_for()
    for chart in (0, 1):
        picture = page.locator(".curves svg").nth(chart)
        assert picture.locator("polyline").count() == 2
        assert picture.locator(".axis").first.text_content() == "epoch"
        assert len(picture.locator("polyline").first.get_attribute("points").split()) == 12
    # Asked in one go: the picture is drawn anew whenever its place changes.
    box = page.wait_for_function(
        """() => { const box = document.querySelector(".curves svg")?.getBoundingClientRect();
          return box?.width ? [box.x + box.width * 0.42, box.y + box.height / 2] : null; }"""
    ).json_value()
    page.mouse.click(*box)
    page.locator(".moment h2", has_text="After epoch").wait_for()
    page.locator("#tab-training [role=status]").wait_for()


def test_a_training_is_watched_as_it_goes_on(visit, digits_run, tmp_path):
    run = digits_run.folder
    going = tmp_path / "going"
    shutil.copytree(run, going, ignore=shutil.ignore_patterns("report.html", "classifier"))
    rows = (going / "metrics.csv").read_text().splitlines(keepends=True)
    last = going / "checkpoints" / "snapshots" / "epoch-0012.safetensors"
    last.rename(tmp_path / last.name)
    (going / "metrics.csv").write_text("".join(rows[:-1]))
    with served(str(going)) as address:
        page = visit(address)
        page.locator("#to-training").click()
        page.locator(".run-state", has_text="In training").wait_for()
        dots = page.locator(".curves").first.locator("circle.train")
        assert dots.count() == 11
        (tmp_path / last.name).rename(last)
        (going / "metrics.csv").write_text("".join(rows))
        dots.nth(11).wait_for()
        page.locator(".epoch-word:visible", has_text="newest epoch").wait_for()  # and the view goes along
        assert page.locator("#tab-training input[type=range]").get_attribute("max") == "12"
        shutil.copytree(run / "classifier", going / "classifier")
        page.locator(".run-state", has_text="Finished").wait_for()
        page.locator(".epoch-word:visible", has_text="finished network").wait_for()
        assert page.locator("#tab-training input[type=range]").get_attribute("max") == "13"


def test_without_epochs_it_says_how_to_get_some(visit, mnist):
    page = visit(mnist)
    assert not page.locator("#epochs").is_visible()
    page.locator("#to-training").click()
    assert "convscope train digits" in page.locator(".training-empty pre").inner_text()
    page.get_by_role("button", name="中文").click()
    page.locator(".training-empty", has_text="在本机训练一个吧").wait_for()
