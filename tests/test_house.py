"""The house: imports point down only, at every depth; heavy ones wait; the package is found from the top."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import convscope as cs

from .imports import cycles, imported_names, sibling_graphs

ROOT = Path(cs.__file__).parent
# A room may import from rooms with a smaller number, and from itself. Files at the top of the package are rooms too.
FLOORS = {
    "choices": 0, "errors": 0, "version": 0, "messages": 0, "this_machine": 0,
    "files": 1, "nested": 1, "devices": 1, "problems": 1, "suggest": 1, "finite_json": 1, "png": 1, "html_page": 1,
    "task": 1, "label_sets": 1, "distributed": 1, "target": 1, "notebook_html": 1, "page_chart": 1, "map_colours": 1,
    "abstention": 2, "models": 2, "data": 2, "insight": 2, "scratch": 2, "run_folder": 2, "activity": 1,
    "bundle_file": 2, "bundle_hub": 3, "assumed": 3, "labels_file": 3, "weights_file": 3, "pictures": 3,
    "kernel_picture": 3,
    "bundle_config": 4,
    "bundle": 5, "prediction": 5, "ranking": 5, "onnx_graph": 5,
    "sessions": 5,
    "predictor": 6,
    "graph_network": 7, "quickest": 7,
    "classifier": 8,
    "snapshots": 9, "summarising": 9, "opening": 9,
    "evaluation": 10, "explaining": 10, "export": 10,
    "checking": 11, "training": 11, "serving": 11, "learn": 11,
    "comparing": 12,
    "cli": 13,
    "__main__": 14, "__init__": 14,
}  # fmt: skip
# No room imports from another on its floor; the networks and `insight` know nothing but torch and its kin.
OUTSIDE = {
    "models": {"torch", "torchvision", "timm", "huggingface_hub"},
    "insight": {"torch", "captum", "numpy"},
    "scratch": {"numpy"},
}
HEAVY = {"torch", "torchvision", "numpy", "PIL", "sklearn", "matplotlib", "yaml", "jinja2", "safetensors"}
FILES = sorted(ROOT.rglob("*.py"))
GRAPHS = sibling_graphs(ROOT)


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path):
    room = room_of(path)
    assert room in FLOORS, f"{path}: {room} has no floor in FLOORS"
    for name, line in imported_names(path, ROOT):
        parts = name.split(".")
        if parts[0] != "convscope":
            allowed = OUTSIDE.get(room)
            if allowed is not None and parts[0] not in sys.stdlib_module_names:
                assert parts[0] in allowed, f"{path}:{line}: {room} may import {sorted(allowed)}, not {parts[0]}"
            continue
        other = parts[1] if len(parts) > 1 else "__init__"
        if other == room or room == "__init__":
            continue
        assert other in FLOORS, f"{path}:{line}: {other} has no floor in FLOORS"
        assert FLOORS[other] < FLOORS[room], f"{path}:{line}: {room} (floor {FLOORS[room]}) imports upward from {other}"


@pytest.mark.parametrize("package", GRAPHS, ids=lambda package: "/".join(package) or "convscope")
def test_no_package_has_a_cycle_among_its_modules(package):
    graph = GRAPHS[package]
    found = [{a: {b: graph[a][b] for b in graph[a] if b in group} for a in group} for group in cycles(graph)]
    assert not found, f"{'/'.join(package)}: these import each other, at: {found}"


def test_every_room_has_a_floor():
    assert {room_of(path) for path in FILES} == set(FLOORS)


@pytest.mark.parametrize("folder", ["src", "tests", "benchmarks", "examples", "scripts"])
def test_files_and_functions_are_short(folder):
    """A file has at most 300 lines and a function at most 50, so that each can be read at one sitting."""
    long = []
    for path in sorted((ROOT.parents[1] / folder).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > 300:
            long.append(f"{path.name}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > 50:
                    long.append(f"{path.name}:{node.lineno}: {node.name} has {lines} lines")
    assert long == []


def imported_by(code: str) -> set[str]:
    listing = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint()\nprint(*sys.modules)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return {name.split(".")[0] for name in listing.stdout.splitlines()[-1].split()}


def test_importing_the_package_is_light():
    assert not imported_by("import convscope") & HEAVY


@pytest.mark.parametrize("words", [[], ["--help"], ["train", "--help"], ["predict", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(words):
    assert not imported_by(f"from convscope.cli import main\nmain({words!r})") & HEAVY


def test_all_public_names_are_there_and_documented():
    for name in cs.__all__:
        assert getattr(cs, name).__doc__, name
    assert set(cs.__all__) <= set(dir(cs))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = cs.nonsense
