"""The pages below docs/, their Python and what it prints. `python -m tests.docs.pages` writes it beneath each block."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).parents[2] / "docs"
LANGUAGES = ("zh", "en")
# A Python block, and the text block beneath it that shows what it prints; without one it prints nothing.
BLOCK = re.compile(r"^```python\n(?P<code>.*?)^```\n(?:\n```text\n(?P<printed>.*?)^```\n)?", flags=re.S | re.M)


class Block(NamedTuple):
    """A Python block of a page and what the page says that it prints."""

    code: str
    printed: str


def chapters(language: str, folder: str = "course") -> list[Path]:
    """Return the pages of a folder in one language, in order."""
    return sorted((DOCS / language / folder).glob("*.md"))


def blocks(page: Path) -> list[Block]:
    """Return the Python blocks of a page."""
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [Block(match["code"], match["printed"] or "") for match in found]


def run(codes: list[str], name: str) -> list[str]:
    """Run blocks one after another, with the same names and in an empty folder; return what each prints."""
    names: dict[str, object] = {"__name__": "__main__"}
    printed = []
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for number, code in enumerate(codes, 1):
                with contextlib.redirect_stdout(io.StringIO()) as out:
                    exec(compile(code, f"{name}, block {number}", "exec"), names)
                printed.append("".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines()))
        finally:
            os.chdir(before)
    return printed


def filled(page: Path, printed: list[str]) -> str:
    """Return the text of a page with `printed` beneath its blocks."""
    results = iter(printed)

    def block(match: re.Match[str]) -> str:
        result = next(results)
        return f"```python\n{match['code']}```\n" + (f"\n```text\n{result}```\n" if result else "")

    return BLOCK.sub(block, page.read_text(encoding="utf-8"))


def main(words: list[str]) -> None:
    """Fill in the pages of `words` (files), or else every page; the Chinese page is the one that is run."""
    named = [Path(word).name for word in words]
    for page in sorted((DOCS / "zh").rglob("*.md")):
        if named and page.name not in named:
            continue
        printed = run([block.code for block in blocks(page)], page.name)
        for language in LANGUAGES:
            other = DOCS / language / page.relative_to(DOCS / "zh")
            if other.exists() and len(blocks(other)) == len(printed):
                other.write_text(filled(other, printed), encoding="utf-8")
            else:
                print(f"{other}: not as many blocks as the Chinese page")


if __name__ == "__main__":
    main(sys.argv[1:])
