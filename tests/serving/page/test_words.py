"""Every visible sentence exists in both languages. Needs no browser."""

from __future__ import annotations

import json
import re

from .conftest import PAGE

WORDS = {language: json.loads((PAGE / "i18n" / f"{language}.json").read_text("utf-8")) for language in ("en", "zh")}
SOURCES = {str(path.relative_to(PAGE)): path.read_text("utf-8") for path in sorted(PAGE.rglob("*.js"))}
HTML = (PAGE / "index.html").read_text("utf-8")


def test_both_languages_have_the_same_sentences():
    # Chinese has no plural, and "_one" only where one picture says less than several.
    english, chinese = ({key for key in words if not key.endswith("_one")} for words in (WORDS["en"], WORDS["zh"]))
    assert english == chinese and set(WORDS["zh"]) <= set(WORDS["en"])


def test_both_fill_in_the_same_values():
    for key, text in WORDS["zh"].items():
        assert set(re.findall(r"{(\w+)}", text)) == set(re.findall(r"{(\w+)}", WORDS["en"][key])), key


def test_every_sentence_that_the_page_asks_for_exists():
    asked = {key for source in SOURCES.values() for key in re.findall(r'\bt\("([\w.]+)"', source)}
    asked |= set(re.findall(r'data-i18n(?:-label)?="([\w.]+)"', HTML))
    assert len(asked) > 80
    assert not asked - set(WORDS["en"])


def test_nothing_from_another_host_and_no_html_from_text():
    for name, source in {**SOURCES, "index.html": HTML}.items():
        assert not re.findall(r"https?://(?!www\.w3\.org/)", source), name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", source), name
    assert not re.search(r"<script(?![^>]*src=)|\sstyle=|\son\w+=", HTML)


def test_the_lesson_calls_buttons_what_they_are_called():
    """What a step names in quotation marks, in English with a capital, is on the page in both languages."""
    english, chinese = WORDS["en"], WORDS["zh"]
    steps = [key for key in english if key.startswith("lesson.")]
    named = [(key, words) for key in steps for words in re.findall("“([A-Z][^”]+)”", english[key])]
    assert len(named) > 5
    for key, words in named:
        labels = [one for one in english if not one.startswith("lesson.") and english[one].startswith(words)]
        assert labels, f"{key}: nothing is called “{words}”"
        quoted = re.findall("“([^”]+)”", chinese[key])
        assert any(chinese[label].startswith(tuple(quoted)) for label in labels if quoted), f"{key}: {quoted}"
