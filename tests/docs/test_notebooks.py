"""The notebooks hold what the chapters hold: the same code and results, and every picture inside."""

from __future__ import annotations

import base64
import copy
import json

import pytest
from scripts.notebooks import main, notebook

from .pages import DOCS, LANGUAGES, blocks, chapters


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_chapter_is_a_notebook(language, tmp_path):
    main([str(tmp_path)])
    pages = [page for page in chapters(language) if page.stem[0].isdigit()]
    assert {path.stem for path in (tmp_path / language).glob("*.ipynb")} == {page.stem for page in pages}
    for page in pages:
        written = json.loads((tmp_path / language / f"{page.stem}.ipynb").read_text(encoding="utf-8"))
        code = [cell for cell in written["cells"] if cell["cell_type"] == "code"]
        assert ["".join(cell["source"]) + "\n" for cell in code] == [block.code for block in blocks(page)]
        printed = ["".join("".join(out["text"]) for out in cell["outputs"]) for cell in code]
        assert printed == [block.printed for block in blocks(page)]
        assert len({cell["id"] for cell in written["cells"]}) == len(written["cells"])
        words = [cell for cell in written["cells"] if cell["cell_type"] == "markdown"]
        text = "".join("".join(cell["source"]) for cell in words)
        assert "../pictures" not in text and "```python" not in text
        pictures = {name: data for cell in words for name, data in cell.get("attachments", {}).items()}
        assert pictures
        for name, data in pictures.items():
            assert f"](attachment:{name})" in text
            assert base64.b64decode(data["image/svg+xml"]) == (DOCS / language / "pictures" / name).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in chapters("zh") if p.stem[0].isdigit()], ids=lambda page: page.stem)
def test_each_notebook_runs_in_jupyter_and_prints_what_it_shows(page, tmp_path, monkeypatch):
    import nbclient
    import nbformat

    monkeypatch.chdir(tmp_path)
    shown = nbformat.reads(json.dumps(notebook(page)), as_version=4)
    nbformat.validate(shown)
    ran = nbclient.NotebookClient(copy.deepcopy(shown), timeout=600, kernel_name="python3").execute()
    for before, after in zip(shown.cells, ran.cells, strict=True):
        if before.cell_type == "code":
            assert _printed(after) == _printed(before), before.source


def _printed(cell) -> list[str]:
    """Return the lines that a cell has printed on stdout, as the page shows them."""
    text = "".join(out.text for out in cell.outputs if out.output_type == "stream" and out.name == "stdout")
    return [line.rstrip() for line in text.splitlines()]
