"""The frame of self-contained pages."""

from __future__ import annotations

import pytest

from convscope.html_page import percent, render_page, with_contents


@pytest.mark.parametrize(
    ("share", "digits", "text"),
    [(0.982, 1, "98.2%"), (1, 1, "100.0%"), (0, 1, "0.0%"), (0.0004, 1, "< 0.1%"), (0.0005, 1, "0.1%"),
     (0.99327, 2, "99.33%"), (0.00004, 2, "< 0.01%"), (0.0004, 2, "0.04%"),
     (0.99996, 1, "> 99.9%"), (0.9994, 1, "99.9%"), (0.99996, 2, "> 99.99%"), (0.7, 0, "70%"), (0.996, 0, "> 99%")],
)  # fmt: skip
def test_a_share_is_not_shown_as_none_or_all_that_is_not(share, digits, text):
    assert percent(share, digits) == text


def test_a_page_has_its_own_style_after_the_base_and_escapes_names(tmp_path):
    (tmp_path / "page.html.j2").write_text(
        '{% extends "base.html.j2" %}{% from "macros.html.j2" import t, name %}'
        '{% block main %}{{ t("cat", "猫") }}{{ name(title) }}{% endblock %}'
    )
    (tmp_path / "page.css").write_text("main { color: teal; }")
    page = render_page(tmp_path / "page.html.j2", tmp_path / "page.css", title="<b>\n&")
    assert '<span lang="en">cat</span><span lang="zh-Hans">猫</span><bdi>&lt;b&gt;\\n&amp;</bdi>' in page
    assert "<title>&lt;b&gt;\\n&amp; · ConvScope</title>" in page
    assert page.index("--paper:") < page.index("color: teal")


def test_the_contents_list_the_headings_of_a_long_page():
    parts = "".join(f"<section>\n<h2>{i} <small>9</small></h2></section>" for i in range(3))
    page = f'<!-- contents -->{parts}<section class="x" id="given"><h2>last</h2></section>'
    shown = with_contents(page)
    assert '<a href="#part-1">0</a><a href="#part-2">1</a><a href="#part-3">2</a><a href="#given">last</a>' in shown
    assert '<section id="part-1">\n<h2>0 <small>9' in shown and '<section class="x" id="given">' in shown
    assert with_contents("<!-- contents --><section><h2>alone</h2></section>") == "<section><h2>alone</h2></section>"
