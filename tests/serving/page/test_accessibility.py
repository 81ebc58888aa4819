"""axe-core finds nothing on any tab, in either theme."""

from __future__ import annotations

import re
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import expect

from .conftest import RELU, answered, box_of, until

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
VIEWS = {
    "network": "",
    "value": "&at=features.3~9~4~4",
    "layer": "&at=features.3",
    "softmax": "&at=softmax()~7~0~0",
    "convolution": "&tab=convolution",
    "volume": "&tab=convolution&figure=volume",
    "colour": "&tab=convolution&figure=colour",
    "saturation": "&tab=convolution&figure=saturation",
    "graph": "&tab=convolution&figure=graph",
    "training": "&tab=training",
    "lesson": "&tab=lesson&step=2",
}
LAYERS = {"value": "features.3", "layer": "features.3", "softmax": "softmax"}
CHECK = """async () => (await axe.run()).violations.flatMap(({ id, nodes }) =>
  nodes.map(({ target, any }) => `${id}: ${target.join(" ")}: ${any[0]?.message ?? ""}`))"""

COLOURS = "cells => cells.map((cell) => getComputedStyle(cell).backgroundColor)"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(visit, mnist, theme):
    begin = f"{RELU}&example=14&theme={theme}&lang=en"
    # The page's own policy forbids a test to add code to it.
    page = visit(mnist + begin, bypass_csp=True)
    answered(page)
    page.evaluate(AXE)
    for view, place in VIEWS.items():
        page.evaluate("hash => { location.hash = hash }", begin + place)
        panel = f"#tab-{place.partition('tab=')[2].partition('&')[0] or 'network'}"
        expect(page.locator(f"{panel.replace('#tab-', '#to-')}")).to_have_attribute("aria-selected", "true")
        if "figure=" in place:
            chosen = page.locator(".conv-figures [aria-pressed=true]")
            expect(chosen).to_have_attribute("data-value", place.rpartition("=")[2])
        if place.startswith("&at="):
            expect(page.locator(".path")).to_have_text(re.compile(rf"^\s*{re.escape(LAYERS[view])}"))
        if view in ("value", "softmax", "lesson"):
            page.locator(".calculation[aria-busy=false] .result.theirs").wait_for()
        box_of(page, panel)
        until(page, "id => document.querySelector(id).textContent.length > 40", panel)
        assert page.evaluate(CHECK) == [], view
    page.evaluate("hash => { location.hash = hash }", begin)
    page.get_by_role("button", name="Predict first").click()
    expect(page.get_by_text("What will the network say?")).to_be_visible()
    assert page.evaluate(CHECK) == []
    page.get_by_role("button", name="Layers", exact=True).click()
    expect(page.get_by_role("columnheader", name="Dead maps")).to_be_visible()
    assert page.evaluate(CHECK) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Share").click()
    page.get_by_role("menuitem", name="Show a QR code").click()
    expect(page.get_by_role("dialog", name="This view as a QR code")).to_be_visible()
    assert page.evaluate(CHECK) == []


def test_forced_colours_keep_what_is_marked_by_colour(visit, mnist):
    page = visit(mnist + RELU + "&example=14&tab=lesson&step=6", forced_colors="active", reduced_motion="reduce")
    page.locator(".calculation[aria-busy=false] .result.theirs").wait_for()
    marks = """() => [".grip", ".lesson-dots button", ".lesson-dots button[aria-current]"].map((place) =>
      getComputedStyle(document.querySelector(place), "::before").backgroundColor)"""
    grip, step, here = page.evaluate(marks)
    assert page.evaluate("getComputedStyle(document.querySelector('#drawer')).backgroundColor") not in (grip, step)
    assert here != step
    pressed = page.locator(".choice [aria-pressed=true]").first
    assert "solid" in pressed.evaluate("one => getComputedStyle(one).outlineStyle")
    assert len(set(page.locator(".cells > *").evaluate_all(COLOURS))) > 1
