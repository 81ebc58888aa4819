"""The course: its Python runs and prints what the page says, both languages pair up, and no link is dead."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from .pages import DOCS, LANGUAGES, blocks, chapters, run

COURSE = chapters("zh")
RUNNABLE = [page for page in sorted((DOCS / "zh").rglob("*.md")) if page.parent.name != "tutorials" and blocks(page)]


def in_english(page: Path) -> Path:
    return DOCS / "en" / page.relative_to(DOCS / "zh")


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: page.stem)
def test_the_python_runs_and_prints_what_both_languages_say(page):
    chinese, english = blocks(page), blocks(in_english(page))
    assert chinese == english
    printed = run([block.code for block in chinese], page.name)
    assert printed == [block.printed for block in chinese], "python -m tests.docs.pages writes what is printed"


@pytest.mark.parametrize("page", [page for page in COURSE if page.stem[0].isdigit()], ids=lambda page: page.stem)
def test_a_chapter_has_a_picture_an_exercise_and_its_sources_in_both_languages(page):
    last = {page: ["练习", "在页面上看", "出处"], in_english(page): ["Exercise", "On the page", "Sources"]}
    for path, headings in last.items():
        text = text_of(path)
        assert re.findall(r"^## (.+)$", text, flags=re.M)[-3:] == headings
        assert re.search(r"^!\[.{10,}\]\(\.\./pictures/[\w-]+\.svg\)$", text, flags=re.M)
        assert len(re.findall(r"^<details markdown=\"1\">$", text, flags=re.M)) == 1
        assert text.count("http://127.0.0.1:8000/#") >= 1
        assert text.count("```") % 2 == 0
    assert _shape(page) == _shape(in_english(page))


def _shape(page: Path) -> list[str]:
    """The headings' levels, pictures, tables' rows and links to pages, in order: what both languages share."""
    text = re.sub(r"^```.*?^```$", "", text_of(page), flags=re.S | re.M)
    return re.findall(r"^#+ |^\||\]\((?!https?:)[^)]+\)", text, flags=re.M)


def test_the_pages_pair_up():
    chinese, english = ({page.relative_to(DOCS / name) for page in (DOCS / name).rglob("*.md")} for name in LANGUAGES)
    assert chinese == english


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_relative_link_is_dead(language):
    dead = []
    for page in sorted((DOCS / language).rglob("*.md")):
        text = re.sub(r"^```.*?^```$", "", text_of(page), flags=re.S | re.M)
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
            if not target.startswith("http") and not (page.parent / unquote(target)).exists():
                dead.append(f"{page.relative_to(DOCS)}: {target}")
    assert dead == []


def test_every_picture_is_drawn_by_the_code_and_shown():
    from docs.pictures.draw import PICTURES

    for language in LANGUAGES:
        assert {path.stem for path in (DOCS / language / "pictures").glob("*.svg")} == set(PICTURES)
        shown = set(re.findall(r"pictures/([\w-]+)\.svg", "".join(map(text_of, (DOCS / language).rglob("*.md")))))
        assert shown == set(PICTURES)


def test_a_link_to_a_line_of_code_leads_to_the_definition_that_it_means():
    for page in sorted(DOCS.glob("*/course/*.md")):
        for path, line in re.findall(r"\]\(([^)#]+\.py)#L(\d+)\)", text_of(page)):
            code = text_of(page.parent / path).splitlines()
            assert re.match(r"(def|class) ", code[int(line) - 1]), f"{page.name}: {path}#L{line}"
