"""The pages for readers of tutorials: their code prints what they show, both languages alike, and links lead on."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest

import convscope as cs
from convscope.serving.examples import DIGITS_SHOWN

from .walkthrough import PAGES, ROOT, SERVED, agrees, blocks, commands, links, parse, run

TABS = ("network", "convolution", "training", "lesson")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_code_prints_what_the_page_shows(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "page"}
    for block in blocks(page):
        if block.output is None:
            for words in commands(block.code):
                parse(words)
        else:
            printed = run(block, names)
            assert agrees(printed, block.output), f"{page.name}:{block.line} prints\n{printed}"


def test_a_line_of_dots_stands_for_any_lines():
    assert agrees("a\nb\nc\n", "a\n...\nc\n")
    assert agrees("a\nb\nc\n", "...\nc\n")
    assert agrees("a\nb\nc\n", "a\n...\n")
    assert not agrees("a\nb\nc\n", "a\nc\n")
    assert not agrees("a\nb\ncd\n", "a\n...\nc\n")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_both_languages_show_the_same(page):
    chinese = ROOT / "docs" / "zh" / "tutorials" / page.name
    assert [block[:3] for block in blocks(page)] == [block[:3] for block in blocks(chinese)]
    served = [[link for link in links(path) if link.startswith(SERVED)] for path in (page, chinese)]
    assert served[0] == served[1]


def test_links_into_the_page_name_what_is_there():
    shapes = {}
    for name in ("mnist-lenet5", "mnist-relu"):
        classifier = cs.load(ROOT / "src" / "convscope" / "bundled" / name)
        rows = cs.summary(classifier.network, classifier.preprocess.input_size).layers
        shapes[name] = {row.name: row.output_shape for row in rows}
    for link in {link for page in PAGES for link in links(page) if link.startswith(SERVED)}:
        asks = {key: values[0] for key, values in parse_qs(link.removeprefix(SERVED)).items()}
        assert asks.get("tab", "network") in TABS, link
        assert int(asks.get("example", 0)) < DIGITS_SHOWN, link
        assert 1 <= int(asks.get("step", 1)) <= 12, link
        if "at" in asks:
            layer, *place = asks["at"].split("~")
            shape = shapes[asks["model"]][layer]
            assert all(int(at) < size for at, size in zip(place, shape, strict=False)), link
