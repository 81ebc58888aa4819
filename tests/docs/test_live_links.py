"""The pages' links to the live page lead to what they speak of: every layer, place and picture in them exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from scripts.build_docs import LIVE

from convscope.serving.one_file import share

from .pages import DOCS

LINKS = sorted({match["state"] for page in DOCS.glob("zh/**/*.md") for match in LIVE.finditer(page.read_text("utf-8"))})


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("live")
    return {
        name: Path(share(name, str(folder / f"{name}.html"), max_mb=3).path) for name in ("mnist-lenet5", "mnist-relu")
    }


@pytest.mark.slow
@pytest.mark.parametrize("state", LINKS)
def test_a_link_shows_what_it_names(state, files, browser: Browser):
    file = files["mnist-relu" if "model=mnist-relu" in state else "mnist-lenet5"]
    page = browser.new_page()
    page.goto(f"{file.as_uri()}#{state}&lang=en")
    expect(page).to_have_url(re.compile("#v=1"), timeout=60_000)  # the link is understood, and written anew
    expect(page.locator("#notice")).to_be_hidden()
    page.close()


def test_both_languages_have_the_same_links():
    english = {match["state"] for page in DOCS.glob("en/**/*.md") for match in LIVE.finditer(page.read_text("utf-8"))}
    assert english == set(LINKS)
