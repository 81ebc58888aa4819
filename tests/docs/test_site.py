"""The documentation site: it is built without a network, and holds every page, verb and option."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import expect
from scripts.build_docs import LARGEST, build
from scripts.command_reference import command_reference
from scripts.network_gallery import FAMILIES, network_gallery, papers_of_networks
from scripts.python_reference import python_reference
from scripts.smaller_site import without_indentation

import convscope as cs
from convscope.cli import VERBS, app
from convscope.models import find_card

from ..serving.page.conftest import answered
from .pages import DOCS, LANGUAGES, chapters


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("docs") / "site"
    build(place, live=False)
    return place


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_in_the_site_its_search_and_its_navigation(site, language):
    pages = {page.relative_to(DOCS / language).with_suffix(".html") for page in (DOCS / language).rglob("*.md")}
    script = (site / language / "search.js").read_text(encoding="utf-8")
    index = json.loads(script.removeprefix("var __index = ").rstrip(";"))
    found = {item["location"].split("#")[0] for item in index["items"]}
    home = (site / language / "index.html").read_text(encoding="utf-8")
    for page in pages:
        assert (site / language / page).exists()
        assert page.as_posix() in found
        assert f'href="./{page.as_posix()}"' in home or page.as_posix() == "index.html"


def test_the_site_is_small_enough_for_the_package(site):
    """It has 10 MB with the pages of both bundled networks, which take 2.6 MB together."""
    assert sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) < 7.3e6


def test_indentation_goes_and_what_counts_stays():
    page = "<ul>\n    <li>\n\n  a  b <code>x</code></li>\n</ul>\n<pre>\n  def f():\n\n    pass</pre>\n  <p>c</p>\n"
    assert without_indentation(page) == (
        "<ul>\n<li>\na  b <code>x</code></li>\n</ul>\n<pre>\n  def f():\n\n    pass</pre>\n<p>c</p>\n"
    )


@pytest.mark.slow
def test_the_whole_site_fits_and_its_live_pages_share_their_program(tmp_path, browser):
    build(tmp_path / "site")
    assert sum(path.stat().st_size for path in (tmp_path / "site").rglob("*") if path.is_file()) < LARGEST
    for network, state in (("mnist-relu", "example=3&lang=en"), ("mnist-lenet5", "example=14&epoch=1&lang=en")):
        page = browser.new_page()
        page.goto((tmp_path / "site" / f"{network}.html").as_uri() + f"#model={network}&{state}")
        answered(page)
        expect(page.locator("#notice")).to_be_hidden()
        page.locator("#to-training").click()
        expect(page.get_by_role("button", name="Train here")).to_be_visible()
        page.close()


def test_nothing_is_loaded_from_another_host_and_code_is_a_page(site):
    page = (site / "zh" / "gradients.html").read_text(encoding="utf-8")
    assert "unpkg.com" not in page and "fonts.g" not in page
    assert "../code/src/convscope/scratch/convolution.py.html#L-43" in page
    code = (site / "code" / "src" / "convscope" / "scratch" / "convolution.py.html").read_text(encoding="utf-8")
    assert 'name="L-43"' in code and "correlate_loops_backward" in code


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_of_the_guides_has_a_verb_and_options_that_exist(language):
    import typer

    verbs = typer.main.get_command(app).commands
    lines = [
        line
        for folder in ("", "course", "guides")
        for page in chapters(language, folder)
        for block in re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.S | re.M)
        for line in block.replace("\\\n", " ").splitlines()
    ]
    commands = [words for line in lines if (words := shlex.split(line, comments=True))[:1] == ["convscope"]]
    assert len(commands) > 20
    for _, verb, *words in commands:
        known = {name for option in verbs[verb].params for name in (*option.opts, *option.secondary_opts)}
        assert {word.split("=")[0] for word in words if word.startswith("--")} <= known, (verb, words)


def test_the_reference_names_every_verb_and_option():
    page = command_reference("zh")
    for verb in VERBS:
        assert f"\n## {verb}\n" in page
    for option in ("--time-budget TIME", "--no-pretrained", "--weights-precision [8bit&#124;half&#124;full]"):
        assert f"<code>{option}</code>" in page


def test_the_other_references_name_every_public_name_and_network():
    page = python_reference("en")
    assert all(f"\n## cs.{name}\n" in page for name in cs.__all__)
    assert "### cs.Classifier.predict" in page and "topk=5" in page
    for language in LANGUAGES:
        gallery = network_gallery(language)
        assert all(f"| `{name}` |" in gallery for name in cs.list_models())
    assert {card.family for card in map(find_card, cs.list_models())} <= set(FAMILIES)
    assert "| `lenet5` | 1 × 32 × 32 | 60,000 | 0.3 |" in gallery and 'value="3.57"' in gallery
    assert gallery.index("Neocognitron") < gallery.index("`alexnet_2012`") < gallery.index("`efficientnet_b0`")


def test_the_gallery_says_what_to_remember_of_every_paper():
    texts = yaml.safe_load((DOCS / "networks.yaml").read_text(encoding="utf-8"))
    assert set(texts["remember"]) == {cards[0].name for cards in papers_of_networks()}
    assert texts["page"]["zh"].keys() == texts["page"]["en"].keys()
    for text in texts["remember"].values():
        assert re.search(r"[\u4e00-\u9fff]", text["zh"]) and not re.search(r"[\u4e00-\u9fff]", text["en"])
