"""Open the page of each network in a real Chromium, for the benchmarks of what a reader sees."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.speed.serving import bundle, served
from convscope.bundle_config import bundled_names


def pages(networks: Sequence[str]) -> Iterator[tuple[str, str, Page]]:
    """Yield of each network its name, the address of its service, and an empty page to open it in.

    A network that no bundled classifier has the name of gets random weights, which take as long as trained ones.
    """
    browser = shutil.which("chromium")
    if browser is None:
        sys.exit("chromium is not installed")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for name in networks:
            with tempfile.TemporaryDirectory() as place:
                source = Path(name) if name in bundled_names() else bundle(Path(place), name)
                with served(source) as url:
                    page = chromium.new_page(viewport={"width": 1440, "height": 900}, locale="en-GB")
                    yield name, url, page
                    page.close()
        chromium.close()
