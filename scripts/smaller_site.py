"""Take out of the site's files what no reader sees: indentation, empty lines, metadata of drawings."""

from __future__ import annotations

import re
from pathlib import Path

# In these every space counts.
KEPT = re.compile(r"<(pre|textarea|script|style)\b.*?</\1>", re.DOTALL)
METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
# What Pygments marks although it looks like any other space.
SPACES = re.compile(r'<span class="w">(\s*)</span>')


def make_smaller(place: Path) -> None:
    """Rewrite the pages, drawings and pages of code below a folder."""
    for path in place.rglob("*.html"):
        _rewrite(path, without_indentation(SPACES.sub(r"\1", path.read_text(encoding="utf-8"))))
    for path in place.rglob("*.svg"):
        _rewrite(path, without_indentation(METADATA.sub("", path.read_text(encoding="utf-8"), count=1)))


def without_indentation(text: str) -> str:
    """Return HTML or SVG whose lines begin at once, but for texts in which spaces count."""
    parts, at = [], 0
    for kept in KEPT.finditer(text):
        parts += [re.sub(r"\s*\n\s*", "\n", text[at : kept.start()]), kept[0]]
        at = kept.end()
    return "".join([*parts, re.sub(r"\s*\n\s*", "\n", text[at:])])


def _rewrite(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
