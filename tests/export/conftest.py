"""A real browser that runs the page's engine; it reaches the engine's files and what a test gives it, nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Route

from convscope.export.engine import EngineNetwork
from tests.javascript import PAGE

HOST = "http://engine.test"
# What every script of a test can use: the network that was given, arrays by name, and a way to return arrays.
PRELUDE = """
const given = async (name) => (await fetch(`/given/${name}`)).arrayBuffer();
const floats = async (name) => new Float32Array(await given(name));
const { Network } = await import("/engine/network.js");
const load = async (options) => new Network(
  JSON.parse(new TextDecoder().decode(await given("graph"))), await given("weights"), options);
const give = async (arrays) => {
  for (const [name, array] of Object.entries(arrays)) {
    if (!array) continue;
    const body = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    await fetch(`/result/${encodeURIComponent(name)}`, { method: "POST", body });
  }
};
"""


class Engine:
    """The engine in a page of its own; `run` gives it a network and arrays and runs a script."""

    def __init__(self, page: Page):
        self.page, self.files, self.results = page, {}, {}
        self.problems: list[str] = []
        page.route("**/*", self._answer)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.goto(f"{HOST}/")

    def _answer(self, route: Route) -> None:
        address = urlsplit(route.request.url)
        name = address.path.lstrip("/")
        if not route.request.url.startswith(HOST):
            self.problems.append(f"asked for {route.request.url}")
            route.abort()
        elif name.startswith("given/"):
            route.fulfill(body=self.files[name.removeprefix("given/")])
        elif name.startswith("result/"):
            self.results[unquote(name.removeprefix("result/"))] = route.request.post_data_buffer or b""
            route.fulfill(body="")
        elif name.startswith("engine/"):
            route.fulfill(body=(PAGE / name).read_bytes(), content_type="text/javascript")
        else:
            route.fulfill(body="<title>engine</title>", content_type="text/html")

    def run(
        self, network: EngineNetwork, script: str, argument: Any = None, **arrays: np.ndarray
    ) -> tuple[Any, dict[str, np.ndarray]]:
        """Run a script (of an async function) and return what it returned and the arrays that it gave."""
        self.results.clear()
        self.files = {"graph": json.dumps(network.graph).encode(), "weights": network.weights}
        self.files |= {name: np.ascontiguousarray(array, np.float32).tobytes() for name, array in arrays.items()}
        answer = self.page.evaluate(f"async (argument) => {{ {PRELUDE} {script} }}", argument)
        assert not self.problems
        return answer, {name: np.frombuffer(data, np.float32) for name, data in self.results.items()}


@pytest.fixture(scope="session")
def engine(browser: Browser) -> Iterator[Engine]:
    """The engine in headless Chromium."""
    page = browser.new_page()
    yield Engine(page)
    page.close()


@pytest.fixture
def fresh_engine(browser: Browser) -> Iterator[Engine]:
    """The engine in a page of this test alone, so that large networks do not share its memory."""
    page = browser.new_page()
    yield Engine(page)
    page.close()


def distance(found: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference, in units of the largest expected value."""
    expected = np.asarray(expected).ravel()
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-12))
