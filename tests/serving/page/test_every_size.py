"""Every tab from a phone to a large screen: nothing sticks out, no sum breaks badly, fingers find what they tap."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from .conftest import RELU, answered, eventually, until

SIZES = {True: [(390, 844), (820, 1180)], False: [(1024, 768), (1366, 768), (1920, 1080)]}  # by whether fingers tap
VIEWS = {
    "network": "",
    "value": "&at=features.3~9~4~4",
    "why": "&why=1",
    "convolution": "&tab=convolution",
    "volume": "&tab=convolution&figure=volume",
    "colour": "&tab=convolution&figure=colour",
    "saturation": "&tab=convolution&figure=saturation",
    "graph": "&tab=convolution&figure=graph",
    "training": "&tab=training",
    "lesson": "&tab=lesson&step=6",
}
READY = {
    "value": "#drawer .partials figure",
    "why": ".why-figure:not(.busy) .heat",
    "training": ".moment > .moment-layer canvas",
    "lesson": ".calculation[aria-busy=false] .result.theirs",
}
# What is wrong with the page as it is laid out after two frames, in words.
FAULTS = """async finger => {
  for (const _ of [1, 2]) await new Promise(requestAnimationFrame);
  const seen = (one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest(".unseen, .skip");
  const called = (one) => `${one.tagName} ${one.id} ${one.getAttribute("class")} ${one.textContent.slice(0, 20)}`;
  const scrolls = (one) => one && one !== document.body
    && (getComputedStyle(one).overflowX !== "visible" || scrolls(one.parentElement));
  const all = [...document.querySelectorAll("body *")].filter(seen);
  const box = (one) => one.getBoundingClientRect();
  const wide = document.documentElement.scrollWidth > innerWidth ? ["the page is wider than the screen"] : [];
  const out = all.filter((one) => box(one).width && !scrolls(one.parentElement)
    && (box(one).right > innerWidth + 1 || box(one).left < -1)).map((one) => `sticks out: ${called(one)}`);
  const side = all.filter((one) => one.matches(".drawer-body, .tab") && one.scrollWidth > one.clientWidth + 1)
    .map((one) => `is moved sideways: ${called(one)}`);
  const ends = all.filter((one) => one.matches(".sign") && one.nextElementSibling
    && box(one.nextElementSibling).top > box(one).bottom).map((one) => `ends a line: ${called(one.parentElement)}`);
  const least = (one) => (one.matches(".choice button") ? 40 : one.matches(".classes button, .sumline") ? 36 : 44);
  const taps = ".quiet, .primary, .tool, select, .tabs button, .choice button, .classes button, .sumline";
  const small = all.filter((one) => finger && one.matches(taps) && box(one).height < least(one) - 0.5)
    .map((one) => `hard to tap: ${called(one)} ${box(one).height}`);
  return [...wide, ...out, ...side, ...ends, ...small];
}"""
PICTURES = "all => all.map(one => one.toDataURL())"


def go(page: Page, view: str) -> None:
    """Show a view and wait until it is complete."""
    tab, _, figure = VIEWS[view].partition("tab=")[2].partition("&figure=")
    page.evaluate("hash => { location.hash = hash }", f"{RELU}&example=14&lang=en{VIEWS[view]}")
    expect(page.locator(f"#to-{tab.partition('&')[0] or 'network'}")).to_have_attribute("aria-selected", "true")
    if figure:
        expect(page.locator(".conv-figures [aria-pressed=true]")).to_have_attribute("data-value", figure)
    if view in READY:
        page.locator(READY[view]).first.wait_for()


def test_at_every_size_nothing_sticks_out_and_fingers_find_what_they_tap(visit, mnist):
    found = {}
    for touch, sizes in SIZES.items():
        page = visit(mnist + RELU + "&example=14&lang=en", has_touch=touch, reduced_motion="reduce")
        answered(page)
        for view in VIEWS:
            go(page, view)
            for width, height in sizes:
                page.set_viewport_size({"width": width, "height": height})
                if faults := page.evaluate(FAULTS, width < 640):
                    found[f"{view} at {width}x{height}"] = faults
    assert found == {}


def test_pictures_follow_the_colours_of_the_system_which_are_not_remembered(visit, mnist):
    page = visit(mnist + RELU + "&example=14&at=features.0", color_scheme="light", reduced_motion="reduce")
    answered(page)
    expect(page.locator(".kernels .soft")).to_have_text(re.compile("kernels on one scale"))
    painted = {
        ".kernels-picture": None,
        ".why-figure:not(.busy) .heat": "why",
        ".moment > .moment-layer canvas": "training",
    }
    for pictures, view in painted.items():
        if view:
            go(page, view)
        if view == "why":  # it begins with a method that suits, and goes on with the one that is measured to be best
            expect(page.locator(".best-method")).not_to_be_empty()
            expect(page.locator(".why-figure.busy")).to_have_count(0)
        before = page.locator(pictures).evaluate_all(PICTURES)
        page.emulate_media(color_scheme="dark")
        eventually(page, lambda b=before, p=pictures: not set(b) & set(page.locator(p).evaluate_all(PICTURES)))
        page.emulate_media(color_scheme="light")
        eventually(page, lambda b=before, p=pictures: page.locator(p).evaluate_all(PICTURES) == b)
    assert page.evaluate("localStorage.theme") is None
    page.locator("#top .tool").click()
    until(page, "() => localStorage.theme === 'light'")
