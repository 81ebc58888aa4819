"""A real server as a process of its own, and a real browser that must find nothing wrong with the page."""

from __future__ import annotations

import os
import shutil
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

SEVEN = [(0.28, 0.28), (0.5, 0.27), (0.7, 0.27), (0.62, 0.45), (0.52, 0.62), (0.45, 0.8)]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


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
        for _ in range(600):
            assert process.poll() is None, "the server ended by itself"
            try:
                urllib.request.urlopen(f"{address}health", timeout=1)
                break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="session")
def mnist() -> Iterator[str]:
    """The address of a server with the bundled classifiers."""
    with served() as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, without a window."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="the page is tested with Playwright: pip install playwright"
    )
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("the page is tested in Chromium, and there is none: apt-get install chromium")
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=path)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open an address (wide, light and English unless told otherwise); in the end nothing may have gone wrong.

    That is: no error on the console, and no request to another host.
    """
    contexts, problems, hosts = [], [], set()

    def open_page(address: str, width: int = 1440, height: int = 900, **options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": width, "height": height}, "locale": "en-GB", **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
        page.goto(address)
        page.locator("[role=tab][aria-selected=true]").wait_for()
        if page.locator("#to-network[aria-selected=true]").count():
            page.locator(".head").first.wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not problems
    assert hosts <= {"127.0.0.1", None}  # None: blob and data URLs, which leave nothing


def draw(page: Any, points: list[tuple[float, float]] = SEVEN, steps: int = 4) -> None:
    """One stroke through points in 0..1 of the board."""
    box = page.locator(".board").bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=steps)
    page.mouse.up()


def chances(page: Any) -> dict[str, float]:
    """The probabilities that the page shows, in per cent; "< 0.1" is 0."""
    rows = page.locator(".classes button").evaluate_all(
        "rows => rows.map(row => [row.querySelector('.label').textContent, row.querySelector('.value').textContent])"
    )
    return {label: 0.0 if "<" in value else float(value.replace(">", "")) for label, value in rows}


def select(page: Any, place: str) -> None:
    """Go to "layer~map~row~column" as its link would."""
    page.evaluate("place => { location.hash = location.hash.replace(/&at=[^&]*/, '') + '&at=' + place }", place)


def until(page: Any, condition: str, argument: Any = None, seconds: float = 20) -> None:
    """Wait for a JavaScript function to return true. (Playwright's own way needs eval, which the page forbids.)"""
    end = time.monotonic() + seconds
    while not page.evaluate(condition, argument):
        assert time.monotonic() < end, f"it never came true: {condition}"
        page.wait_for_timeout(40)


def number(text: str) -> float:
    """A number as the page writes it."""
    return float(text.replace("−", "-").replace("=", "").replace("+", "").strip())


PAGE = Path(__file__).parents[2] / "src" / "convscope" / "serving" / "page"
