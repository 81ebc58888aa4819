"""The reader of imports: cycles are found at every depth, however a module is imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from .imports import cycles, sibling_graphs

WAYS = {
    "at the top": "from ..b.y import name",
    "by its full name": "import house.room.b.y",
    "in a function": "def f():\n    from ..b import y",
    "for type checkers": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..b.y import Name",
    "dynamically": "from importlib import import_module\nimport_module('house.room.b.y')",
}


def house(root: Path, files: dict[str, str]) -> Path:
    for name, code in files.items():
        path = root / "house" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)
    for folder in [root / "house", *(path for path in (root / "house").rglob("*") if path.is_dir())]:
        (folder / "__init__.py").touch()
    return root / "house"


@pytest.mark.parametrize("way", WAYS)
def test_a_cycle_below_the_top_is_found_however_it_is_imported(tmp_path, way):
    files = {"room/a/x.py": WAYS[way], "room/b/y.py": "from ..c import z", "room/c.py": "from .a.x import name"}
    graphs = sibling_graphs(house(tmp_path, files))
    assert cycles(graphs[("room",)]) == [["a", "b", "c"]] and cycles(graphs[()]) == []
    assert graphs[("room",)]["b"] == {"c": "room/b/y.py:1"}


def test_a_module_that_imports_what_its_package_shows_is_in_a_cycle_with_it(tmp_path):
    files = {
        "room/__init__.py": "from .a import name",
        "room/a.py": "from . import other",
        "b.py": "from .room import name",
    }
    graphs = sibling_graphs(house(tmp_path, files))
    assert cycles(graphs[("room",)]) == [["__init__", "a"]] and cycles(graphs[()]) == []


def test_a_package_that_imports_its_modules_by_computed_names_imports_all_of_them(tmp_path):
    dynamic = "from importlib import import_module\nfor name in ('a',):\n    import_module(f'.{name}', __name__)"
    graphs = sibling_graphs(house(tmp_path, {"room/__init__.py": dynamic, "room/a.py": "from . import name"}))
    assert cycles(graphs[("room",)]) == [["__init__", "a"]]


def test_imports_that_point_down_make_no_cycle(tmp_path):
    files = {"room/a.py": "from .b import name", "room/b.py": "from .c.d import name", "room/c/d.py": "import torch"}
    assert all(cycles(graph) == [] for graph in sibling_graphs(house(tmp_path, files)).values())
