"""axe-core finds nothing on any tab, in either theme."""

from __future__ import annotations

import re
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import expect

from .conftest import RELU, answered, box_of, eventually, select, until

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


def test_the_focus_is_never_lost_where_something_is_made_anew_or_closes(visit, mnist):
    page = visit(mnist + RELU + "&example=14&lang=en", reduced_motion="reduce")
    answered(page)
    where = """() => { const { activeElement: e } = document; return e === document.body || !e.checkVisibility()
      ? "nowhere" : e.getAttribute("aria-label") ?? e.textContent; }"""

    def focused_is(pattern: str) -> None:
        eventually(page, lambda: re.search(pattern, page.evaluate(where)) is not None)

    page.get_by_role("button", name="Share").press("Enter")
    page.get_by_role("menuitem", name="Show a QR code").press("Enter")
    expect(page.get_by_role("dialog", name="This view as a QR code")).to_be_visible()
    page.keyboard.press("Escape")
    focused_is("^Share$")
    page.get_by_role("button", name="中文").press("Enter")
    expect(page.locator("#to-network")).to_have_text("网络")
    focused_is("^中文$")
    page.get_by_role("button", name="EN", exact=True).press("Enter")
    page.get_by_role("button", name="Why this answer?").press("Enter")
    method = page.locator("#drawer select").first
    method.focus()
    method.select_option("hires-cam")
    eventually(page, lambda: not method.evaluate("e => e.isConnected") or method.input_value() == "hires-cam")
    focused_is("HiResCAM")
    page.locator("#drawer").get_by_role("checkbox").press("Escape")
    focused_is("^Why this answer")
    select(page, "features.0~1~4~4")
    excite = page.get_by_role("button", name="What excites this map most?")
    excite.focus()
    change = "(e, no) => { e.disabled = no; e.parentNode.append(''); }"  # as while it tries all pictures
    excite.evaluate(change, True)
    focused_is("nowhere")
    excite.evaluate(change, False)
    focused_is("What excites this map")
    page.locator("#drawer .numbers button").first.press("Escape")
    for level in ("map 1", "features.0"):
        expect(page.locator(".path > *").last).to_have_text(level)
        assert page.evaluate("document.querySelector('#drawer').contains(document.activeElement)")
        page.keyboard.press("Escape")
    expect(page.locator("#drawer")).to_be_hidden()
    focused_is("Why this answer|The network")


def test_the_order_of_the_keyboard_is_that_of_sight(visit, mnist):
    page = visit(mnist + RELU + "&lang=en&tab=lesson&step=2")
    expect(page.locator(".lesson-dots button").first).to_be_visible()
    before = """(pairs) => pairs.map(([a, b]) => Boolean(document.querySelector(a)
      .compareDocumentPosition(document.querySelector(b)) & Node.DOCUMENT_POSITION_FOLLOWING))"""
    pairs = [["#tab-lesson", "#draw"], ["#legend", "#network"], ["#toolbar", "#legend"], ["#network", "#answer"]]
    assert page.evaluate(before, pairs) == [True] * 4


def test_the_focus_goes_to_what_a_question_asks_for_and_then_to_the_answer(visit, mnist):
    page = visit(mnist + RELU + "&example=14")
    answered(page)
    page.get_by_role("button", name="Predict first").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".classes button").first).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Show the answer")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".verdict")).to_be_focused()
    expect(page.get_by_text(re.compile("You said 1"))).to_be_visible()
    page.get_by_role("button", name="Draw instead").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".board")).to_be_focused()


MANY_LAYERS = """async () => {
  const { openFinder } = await import(new URL("network/finder.js", location.href));
  const node = (_, i) => ({ name: `conv${i}`, kind: i ? "conv" : "input", type: "Conv2d", shape: [8, 4, 4],
    inputs: i ? [`conv${i - 1}`] : [], attributes: { kernel_size: [3, 3] }, parameters: i, module: `conv${i}` });
  const network = { nodes: Array.from({ length: 1000 }, node), groups: [], class_names: [] };
  network.byName = new Map(network.nodes.map((one) => [one.name, one]));
  openFinder({ state: { network, forward: null, label: null }, set: () => {} });
}"""


def test_of_a_thousand_layers_the_table_makes_the_rows_that_are_scrolled_to(visit, mnist):
    page = visit(mnist + RELU)
    page.evaluate(MANY_LAYERS)
    rows = page.locator(".finder tbody tr")
    expect(rows).to_have_count(200)
    page.locator(".finder-table").evaluate("table => table.scrollTo(0, table.scrollHeight)")
    expect(rows).to_have_count(400)
    page.get_by_role("searchbox").fill("conv999")
    expect(rows).to_have_count(1)
    page.get_by_role("searchbox").fill("")
    expect(rows).to_have_count(200)
    page.keyboard.press("Escape")
