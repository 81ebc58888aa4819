"""Say a message in the user's language: CONVSCOPE_LANG, else that of the locale; Chinese or English.

The code writes its messages in English, as f-strings where they arise; the command translates them where it prints
them. So exceptions, log records and `--json` are the same in every language. `zh.json` is the catalogue: a key is what
stands in the code, with {0}, {1}, ... for the values that it fills in; `python -m scripts.messages` finds what is
missing in it. JSON, since gettext's .mo files would have to be compiled first, and YAML takes 50 times as long to read.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import TextIO

LANGUAGES = ("en", "zh")
VARIABLE = "CONVSCOPE_LANG"
CATALOGUE = Path(__file__).with_name("zh.json")
VALUE, NAMED = re.compile(r"\{(\d+)\}"), re.compile(r"\{(\w+)\}")
# Values are translated too, where a message is put into another, at most so deep. Longer texts stay as they are.
MOST_NESTED, LONGEST = 4, 4000


def language(stream: TextIO | None = None) -> str:
    """Return the language of messages: "zh" or "en"; English on a stream that cannot hold Chinese characters."""
    asked = os.environ.get(VARIABLE, "").lower()
    chosen = asked[:2] if asked[:2] in LANGUAGES else _of_locale()
    return chosen if chosen == "en" or _holds_chinese(stream or sys.stderr) else "en"


def _of_locale() -> str:
    """Return the language of the locale: the variables in the order of POSIX, on Windows that of its own windows."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(variable):
            return "zh" if value.lower().startswith("zh") else "en"
    if sys.platform == "win32":
        import ctypes
        import locale

        code = ctypes.windll.kernel32.GetUserDefaultUILanguage()
        return "zh" if locale.windows_locale.get(code, "").startswith("zh") else "en"
    return "en"


def _holds_chinese(stream: TextIO) -> bool:
    try:
        "中文，：".encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def translated(text: str, stream: TextIO | None = None) -> str:
    """Return a finished English message in the user's language; as it is where that is English, or nothing is known.

    Spaces and line breaks around the message stay. What is not in the catalogue (names, paths, figures) stays as well.
    """
    if language(stream) == "en" or not text:
        return text
    core = text.strip()
    at = text.find(core)
    found = _chinese(core)
    return text if found is None else text[:at] + found + text[at + len(core) :]


def in_chinese(text: str) -> str:
    """Return a finished English message in Chinese, for pages that have both languages; as it is if not known."""
    return _chinese(text) or text


def phrase(template: str, **values: object) -> str:
    """Return a template in the user's language, filled in: `phrase("{model} on {data}", model=..., data=...)`.

    For words that are too common to be recognised in a finished message.
    """
    chosen = template if language(sys.stdout) == "en" else _catalogue().get(template, template)
    return NAMED.sub(lambda place: str(values[place[1]]), chosen)


def _filled(template: str, values: Sequence[str]) -> str:
    return VALUE.sub(lambda place: values[int(place[1])], template)


@lru_cache(maxsize=4096)
def _chinese(text: str, depth: int = 0) -> str | None:
    """Return the Chinese of a message, or of what follows the first colon; None if the catalogue has neither."""
    catalogue = _catalogue()
    if depth >= MOST_NESTED or len(text) > LONGEST:
        return None
    if text in catalogue:
        return catalogue[text]
    for pieces, pattern, chinese in _patterns():
        if all(piece in text for piece in pieces) and (values := _values(pattern, text, depth)):
            if not pieces[0] and (": " in values[0] or "; " in values[0]):
                continue  # another message stands before this one
            return _filled(chinese, values)
    head, found, inside = text.removesuffix(")").partition(" (")
    if found and text.endswith(")") and (chinese_inside := _chinese(inside, depth + 1)) is not None:
        return f"{_inside(head, depth)}（{chinese_inside}）"
    return _parts(text, depth)


def _parts(text: str, depth: int) -> str | None:
    """Return two messages with a separator between them in Chinese; None if the second one is not known.

    Where there are several separators, the one counts at which both are known.
    """
    found = None
    for separator, mark in ((": ", "："), ("; ", "；"), (", ", "，")):
        for head, between, tail in (text.partition(separator), text.rpartition(separator)):
            if not (head and between):
                continue
            further = _chinese(tail, depth + 1)
            rest = mark + further if further is not None else _chinese(between + tail, depth + 1)
            if rest is None:
                continue
            if (chinese_head := _chinese(head, depth + 1)) is not None:
                return chinese_head + rest
            found = found or head + rest
    return found


def _values(pattern: str, text: str, depth: int) -> Sequence[str]:
    """Return the values that a text has in the places of a pattern, in Chinese as far as known; () if it does not fit.

    The words between two values may stand in a value, too: of the shortest and the longest values those count of which
    more is known.
    """
    shortest = re.fullmatch(pattern, text, re.DOTALL)
    if shortest is None:
        return ()
    longest = re.fullmatch(pattern.replace("(.*?)", "(.*)"), text, re.DOTALL) or shortest
    readings = [[_inside(value, depth) for value in found.groups()] for found in (shortest, longest)]
    unknown = [
        sum(map(str.__eq__, *pair)) for pair in zip(readings, (shortest.groups(), longest.groups()), strict=True)
    ]
    return readings[unknown[1] < unknown[0]]


def _inside(value: str, depth: int) -> str:
    """Return a value of a message, in Chinese if it is a message itself: one word is a name and stays."""
    core = value.strip()
    found = _chinese(core, depth + 1) if " " in core else None
    return value if found is None else value.replace(core, found)


@cache
def _catalogue() -> dict[str, str]:
    return dict(json.loads(CATALOGUE.read_text(encoding="utf-8")))


@cache
def _patterns() -> list[tuple[list[str], str, str]]:
    """Return the messages with values: the words between these, a pattern, the Chinese.

    The more particular come first: those that begin with words of their own, and those with the most words.
    """
    found = []
    for key, chinese in _catalogue().items():
        pieces = VALUE.split(key)[::2]
        if len(pieces) > 1:
            found.append((pieces, "(.*?)".join(map(re.escape, pieces)), chinese))
    return sorted(found, key=lambda entry: (not entry[0][0], -sum(map(len, entry[0]))))
