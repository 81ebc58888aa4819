"""A real browser that runs the page's engine; it reaches the engine's files and what a test gives it, nothing else."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Route

from convscope.export.engine import EngineNetwork
from tests.javascript import PAGE

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


class Files(ThreadingHTTPServer):
    """Gives the engine's files and those of one test, and keeps what the page returns."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.given: dict[str, bytes] = {}
        self.results: dict[str, bytes] = {}


class Answers(BaseHTTPRequestHandler):
    server: Files

    def do_GET(self) -> None:
        name = self.path.lstrip("/")
        if name.startswith("given/"):
            self._answer(self.server.given[name.removeprefix("given/")], "application/octet-stream")
        elif name.startswith("engine/"):
            self._answer((PAGE / name).read_bytes(), "text/javascript")
        elif not name:
            self._answer(b"<title>engine</title>", "text/html")
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.results[unquote(self.path.removeprefix("/result/"))] = body
        self._answer(b"", "text/plain")

    def _answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: a test's output is its own."""


class Engine:
    """The engine in a page of its own; `run` gives it a network and arrays and runs a script.

    A server of the test gives and takes the files: answers that are put into Chromium by its debugging protocol end
    it when they are larger than 100 MB, as the weights of Inception-v3 are in base64.
    """

    def __init__(self, page: Page, server: Files):
        self.page, self.server = page, server
        self.problems: list[str] = []
        self.host = f"http://127.0.0.1:{server.server_port}"
        page.route(lambda url: not url.startswith(self.host), self._refuse)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.goto(f"{self.host}/")

    def _refuse(self, route: Route) -> None:
        self.problems.append(f"asked for {route.request.url}")
        route.abort()

    def run(
        self, network: EngineNetwork, script: str, argument: Any = None, **arrays: np.ndarray
    ) -> tuple[Any, dict[str, np.ndarray]]:
        """Run a script (of an async function) and return what it returned and the arrays that it gave."""
        self.server.results.clear()
        self.server.given = {"graph": json.dumps(network.graph).encode(), "weights": network.weights}
        self.server.given |= {name: np.ascontiguousarray(array, np.float32).tobytes() for name, array in arrays.items()}
        answer = self.page.evaluate(f"async (argument) => {{ {PRELUDE} {script} }}", argument)
        assert not self.problems
        return answer, {name: np.frombuffer(data, np.float32) for name, data in self.server.results.items()}


@contextmanager
def opened(browser: Browser) -> Iterator[Engine]:
    """The engine in a page of its own, and the server of its files."""
    with Files() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        page = browser.new_page()
        yield Engine(page, server)
        page.close()
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def engine(browser: Browser) -> Iterator[Engine]:
    """The engine in headless Chromium."""
    with opened(browser) as engine:
        yield engine


@pytest.fixture
def fresh_engine(browser: Browser) -> Iterator[Engine]:
    """The engine in a page of this test alone, so that large networks do not share its memory."""
    with opened(browser) as engine:
        yield engine


def distance(found: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference, in units of the largest expected value."""
    expected = np.asarray(expected).ravel()
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-12))
