"""A real server as a process of its own, and a real browser that must find nothing wrong with the page.

What the page shows follows an event only after a moment, and much later on a busy machine. So tests wait for what they
expect, with Playwright's `expect` or with `until` and `eventually`; none sleeps, or reads once what is still changing.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Error, Page, expect

import convscope as cs
from convscope import snapshots

PAGE = Path(cs.__file__).parent / "serving" / "page"
SEVEN = [(0.28, 0.28), (0.5, 0.27), (0.7, 0.27), (0.62, 0.45), (0.52, 0.62), (0.45, 0.8)]
RELU = "#model=mnist-relu"
# Seconds until something that was expected counts as missing, on a busy machine as well.
PATIENCE = 60
START_PATIENCE = 180

expect.set_options(timeout=PATIENCE * 1000)


@contextmanager
def served(*words: str) -> Iterator[str]:
    """`convscope serve WORDS` on a free port; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "convscope", "serve", *words, "--port", str(port)]
    process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}/"
    try:
        wait_for_server(process, address)
        yield address
    finally:
        process.terminate()
        process.wait(PATIENCE)


def wait_for_server(process: subprocess.Popen, address: str) -> None:
    """Return as soon as the server answers."""
    end = time.monotonic() + START_PATIENCE
    while True:
        assert process.poll() is None, "the server ended by itself"
        assert time.monotonic() < end, "the server does not answer"
        try:
            urllib.request.urlopen(f"{address}health", timeout=5)
            return
        except OSError:
            time.sleep(0.1)


@pytest.fixture(scope="session")
def mnist() -> Iterator[str]:
    """The address of a server with the bundled classifiers."""
    with served() as address:
        yield address


@pytest.fixture(scope="session")
def run_with_every_epoch(tmp_path_factory: pytest.TempPathFactory) -> cs.Run:
    """A run of 12 epochs with all its snapshots: otherwise some are left out where writing them takes long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshots, "MAX_SHARE", 1.0)
        place = tmp_path_factory.mktemp("every-epoch")
        return cs.train("digits", "lenet_relu", epochs=12, output=place, show=False)


class Pages:
    """Pages of the browser that one test after the other opens: starting a page's process is half of a short test.

    Each page has its own context, and is taken again only with the same settings; what it stored is deleted, what was
    routed or emulated is undone.
    """

    def __init__(self, browser: Browser):
        self.browser = browser
        self.free: dict[str, list[Page]] = {}
        self.taken: list[tuple[str, Page]] = []

    def take(self, width: int, height: int, options: dict[str, Any]) -> Page:
        """A page that shows nothing yet."""
        size, key = {"width": width, "height": height}, repr(sorted(options.items()))
        if waiting := self.free.get(key):
            page = waiting.pop()
            page.set_viewport_size(size)
        else:
            context = self.browser.new_context(**{"viewport": size, "locale": "en-GB", **options})
            context.set_default_timeout(PATIENCE * 1000)
            page = context.new_page()
        self.taken.append((key, page))
        return page

    def give_back(self) -> None:
        """Empty all pages that were taken; one that a test closed, or that does not answer, is given up."""
        for key, page in self.taken:
            try:
                page.unroute_all(behavior="ignoreErrors")
                page.emulate_media(media="null")
                page.evaluate("() => localStorage.clear()")
                page.goto("about:blank")
                self.free.setdefault(key, []).append(page)
            except Error:
                page.context.close()
        self.taken.clear()


@pytest.fixture(scope="session")
def pages(browser: Browser) -> Pages:
    """The pages that are used again."""
    return Pages(browser)


@pytest.fixture
def visit(pages: Pages) -> Iterator[Callable[..., Page]]:
    """Open an address (wide, light and English unless told otherwise); in the end nothing may have gone wrong.

    That is: no error on the console, and no request to another host.
    """
    problems, hosts, listening = [], set(), []
    heard = {
        "console": lambda message: problems.append(message.text) if message.type == "error" else None,
        "pageerror": lambda error: problems.append(str(error)),
        "request": lambda request: hosts.add(urlsplit(request.url).hostname),
    }

    def open_page(address: str, width: int = 1440, height: int = 900, **options: Any) -> Page:
        page = pages.take(width, height, options)
        listening.append(page)
        for event, listener in heard.items():
            page.on(event, listener)
        page.goto(address)
        page.locator("[role=tab][aria-selected=true]").wait_for()
        if page.locator("#to-network[aria-selected=true]").count():
            page.locator(".head").first.wait_for()
        return page

    yield open_page
    for page in listening:
        for event, listener in heard.items():
            page.remove_listener(event, listener)
    pages.give_back()
    assert not problems
    assert hosts <= {"127.0.0.1", None}  # None: blob and data URLs, which leave nothing


def draw(page: Page, points: list[tuple[float, float]] = SEVEN, steps: int = 4) -> None:
    """One stroke through points in 0..1 of the board."""
    box = box_of(page, ".board")
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=steps)
    page.mouse.up()


def answered(page: Page) -> None:
    """Wait until the newest picture has been answered."""
    expect(page.locator(".chance")).to_be_visible()
    expect(page.locator("#answer")).to_have_attribute("aria-busy", "false")


def drawn(visit: Callable[..., Page], address: str, **options: Any) -> Page:
    """Open an address, draw a seven and wait for the answer."""
    page = visit(address, **options)
    draw(page)
    answered(page)
    return page


def chances(page: Page) -> dict[str, float]:
    """The probabilities that the page shows now, in per cent; "< 0.1" is 0."""
    rows = page.locator(".classes button").evaluate_all(
        "rows => rows.map(row => [row.querySelector('.label').textContent, row.querySelector('.value').textContent])"
    )
    return {label: 0.0 if "<" in value else float(value.replace(">", "")) for label, value in rows}


def select(page: Page, place: str) -> None:
    """Go to "layer~map~row~column" as its link would, with all else as it is now."""
    written(page)
    page.evaluate("place => { location.hash = location.hash.replace(/&at=[^&]*/, '') + '&at=' + place }", place)


def written(page: Page) -> str:
    """Let the page write its link, which otherwise waits for a moment of rest, and return it."""
    until(page, "() => { dispatchEvent(new Event('pagehide')); return location.hash.includes('v=1') }")
    return page.evaluate("location.href")


def calculated(page: Page, place: str) -> None:
    """Go to a value and wait until its calculation is there."""
    select(page, place)
    layer = place.split("~")[0].removesuffix("()")
    expect(page.locator(".path")).to_have_text(re.compile(rf"^\s*{re.escape(layer)}"))
    expect(page.locator(".calculation[aria-busy=false] .result.theirs")).to_be_visible()


def box_of(page: Page, selector: str) -> dict[str, float]:
    """Where an element is, in pixels of the window, once it has stayed there for two frames."""
    return until(
        page,
        """selector => new Promise(done => {
          const box = () => {
            const { x, y, width, height } = document.querySelector(selector)?.getBoundingClientRect() ?? {};
            return { x, y, width, height };
          };
          const before = box();
          requestAnimationFrame(() => requestAnimationFrame(() => {
            const now = box();
            done(now.width && JSON.stringify(now) === JSON.stringify(before) ? now : null);
          }));
        })""",
        selector,
    )


def until(page: Page, condition: str, argument: Any = None) -> Any:
    """Wait for a JavaScript function to return something true, and return that.

    Playwright's own `wait_for_function` needs eval, which the page forbids.
    """
    end = time.monotonic() + PATIENCE
    while not (result := page.evaluate(condition, argument)):
        assert time.monotonic() < end, f"it never came true: {condition}"
        page.wait_for_timeout(40)
    return result


def eventually(page: Page, is_true: Callable[[], bool]) -> None:
    """Wait for something that takes more than one look at the page."""
    end = time.monotonic() + PATIENCE
    while not is_true():
        if time.monotonic() > end:
            assert is_true(), "it never came true"
        page.wait_for_timeout(40)


def number(text: str) -> float:
    """A number as the page writes it."""
    return float(text.replace("−", "-").replace("=", "").replace("+", "").strip())
