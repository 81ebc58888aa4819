"""Files that `convscope share` writes, opened from the disk by a browser that reaches nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from convscope.serving.one_file import share

from ..page.conftest import PATIENCE


@pytest.fixture(scope="session")
def relu_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled LeNet with ReLU, with all nine epochs of its training."""
    return share("mnist-relu", tmp_path_factory.mktemp("file") / "relu.html", max_mb=3).path


@pytest.fixture
def visit_file(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a file, offline; in the end there may be no error on the console and no request to anywhere."""
    contexts, problems = [], []

    def answer(route: Route) -> None:
        if route.request.url.startswith(("file:", "blob:", "data:")):
            route.continue_()
        else:
            problems.append(f"asked for {route.request.url}")
            route.abort()

    def open_file(path: Path, link: str = "", **options: Any) -> Page:
        settings = {"viewport": {"width": 1440, "height": 900}, "locale": "en-GB", "offline": True, **options}
        context = browser.new_context(**settings)
        context.set_default_timeout(PATIENCE * 1000)
        context.route("**/*", answer)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(path.as_uri() + link)
        page.locator("[role=tab][aria-selected=true]").wait_for()
        if page.locator("#to-network[aria-selected=true]").count():
            page.locator(".head").first.wait_for()
        return page

    yield open_file
    for context in contexts:
        context.close()
    assert not problems
