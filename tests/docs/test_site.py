"""The documentation site: it is built without a network, and holds every page, verb and option."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scripts.build_docs import build
from scripts.command_reference import command_reference

from convscope.cli import VERBS

from .pages import DOCS, LANGUAGES


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("docs") / "site"
    build(place, live=False)
    return place


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_in_the_site_its_search_and_its_navigation(site, language):
    pages = {page.relative_to(DOCS / language).with_suffix(".html") for page in (DOCS / language).rglob("*.md")}
    found = {
        item["location"].split("#")[0] for item in json.loads((site / language / "search.json").read_text())["items"]
    }
    home = (site / language / "index.html").read_text(encoding="utf-8")
    for page in pages:
        assert (site / language / page).exists()
        assert page.as_posix() in found
        assert f'href="./{page.as_posix()}"' in home or page.as_posix() == "index.html"


def test_nothing_is_loaded_from_another_host_and_code_is_a_page(site):
    page = (site / "zh" / "gradients.html").read_text(encoding="utf-8")
    assert "unpkg.com" not in page and "fonts.g" not in page
    assert "../code/src/convscope/scratch/convolution.py.html#L-43" in page
    code = (site / "code" / "src" / "convscope" / "scratch" / "convolution.py.html").read_text(encoding="utf-8")
    assert 'name="L-43"' in code and "correlate_loops_backward" in code


def test_the_reference_names_every_verb_and_option():
    page = command_reference("zh")
    for verb in VERBS:
        assert f"\n## {verb}\n" in page
    for option in ("--time-budget TIME", "--no-pretrained", "--weights-precision [8bit&#124;half&#124;full]"):
        assert f"<code>{option}</code>" in page
