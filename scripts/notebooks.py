"""The chapters of the course as Jupyter notebooks, with pictures and results: `python -m scripts.notebooks [FOLDER]`.

They run wherever ConvScope is installed: in Jupyter, and after installing it on Colab or Kaggle.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
# A block of Python with what it prints; or a picture of the course.
BLOCK = re.compile(r"^```python\n(?P<code>.*?)\n```\n(?:\n```text\n(?P<printed>.*?)^```\n)?", flags=re.S | re.M)
PICTURE = re.compile(r"\]\((?P<path>\.\./pictures/[\w-]+\.svg)\)")


def main(words: list[str]) -> None:
    """Write a notebook for each chapter in each language below the folder that is named, or below build/notebooks."""
    target = Path(words[0]) if words else ROOT / "build" / "notebooks"
    written = 0
    for page in sorted(DOCS.glob("*/course/[0-9]*.md")):
        path = target / page.parts[-3] / f"{page.stem}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(notebook(page), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        written += 1
    print(f"notebooks  {target} ({written})")


def notebook(page: Path) -> dict[str, Any]:
    """Return a chapter in Jupyter's format, version 4.5."""
    text = page.read_text(encoding="utf-8").replace(' markdown="1"', "")
    cells: list[dict[str, Any]] = []
    end = 0
    for block in BLOCK.finditer(text):
        _add_words(cells, text[end : block.start()], page)
        _add_code(cells, block["code"], block["printed"])
        end = block.end()
    _add_words(cells, text[end:], page)
    for number, cell in enumerate(cells):
        cell["id"] = f"{page.stem}-{number}"
    about = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return {"cells": cells, "metadata": about, "nbformat": 4, "nbformat_minor": 5}


def _add_words(cells: list[dict[str, Any]], text: str, page: Path) -> None:
    """Add a cell of Markdown, with the pictures that it shows as attachments."""
    if not text.strip():
        return
    cell: dict[str, Any] = {"cell_type": "markdown", "metadata": {}}
    attachments = {}
    for path in PICTURE.findall(text):
        picture = page.parent / path
        attachments[picture.name] = {"image/svg+xml": base64.b64encode(picture.read_bytes()).decode()}
        text = text.replace(path, f"attachment:{picture.name}")
    if attachments:
        cell["attachments"] = attachments
    cells.append({**cell, "source": text.strip().splitlines(keepends=True)})


def _add_code(cells: list[dict[str, Any]], code: str, printed: str | None) -> None:
    """Add a cell of Python with what it prints."""
    outputs = []
    if printed:
        outputs = [{"name": "stdout", "output_type": "stream", "text": printed.splitlines(keepends=True)}]
    cell = {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": outputs}
    cells.append({**cell, "source": code.splitlines(keepends=True)})


if __name__ == "__main__":
    main(sys.argv[1:])
