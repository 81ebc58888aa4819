"""Read the imports of a package from its source, without running it, and find cycles among them at every depth.

A module is called by its path in the package, such as `("data", "decoding", "cache")`; the code of a package's own
`__init__.py` is a module of that package, `("data", "__init__")`, beside the package's other modules.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

Module = tuple[str, ...]
# The children of one package: for each the others that it imports, with one place where it does.
Graph = dict[str, dict[str, str]]


def module_files(root: Path) -> dict[Module, Path]:
    """Return every module of the package in the folder `root` with its file."""
    return {path.relative_to(root).with_suffix("").parts: path for path in sorted(root.rglob("*.py"))}


def imported_names(path: Path, root: Path) -> Iterator[tuple[str, int]]:
    """Yield full dotted name and line of everything a file imports: at its top, in functions, for type checkers.

    `import_module` is followed where it names a neighbour, as a constant or as an f-string, which means all of them.
    """
    package = [root.name, *path.relative_to(root).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((f"{module}.{alias.name}", node.lineno) for alias in node.names)
        elif isinstance(node, ast.Call) and "import_module" in ast.unparse(node.func):
            match node.args[0]:
                case ast.Constant(str() as name):
                    yield ".".join([*package, name[1:]]) if name.startswith(".") else name, node.lineno
                case ast.JoinedStr(values=[ast.Constant("."), *_]):
                    neighbours = {other.stem for other in path.parent.iterdir() if other.suffix in ("", ".py")}
                    yield from ((".".join([*package, name]), node.lineno) for name in neighbours - {path.stem})


def imported_modules(path: Path, root: Path, modules: dict[Module, Path]) -> Iterator[tuple[Module, int]]:
    """Yield module and line for whatever a file imports from its own package."""
    for name, line in imported_names(path, root):
        parts = tuple(name.split("."))
        if parts[0] != root.name:
            continue
        steps = parts[1:]
        # `from .cache import Cache` names a module and something in it; `from . import cache` only a module.
        candidates = (found for n in range(len(steps), -1, -1) for found in (steps[:n], (*steps[:n], "__init__")))
        yield next(found for found in candidates if found in modules), line


def sibling_graphs(root: Path) -> dict[Module, Graph]:
    """Return for each package, by its path from `root`, which of its children import which others.

    An import belongs to the deepest package that holds both files: `data/decoding/cache.py` importing `data/split.py`
    is an edge from `decoding` to `split` in `data`.
    """
    modules = module_files(root)
    graphs: dict[Module, Graph] = {}
    for module, path in modules.items():
        for depth in range(len(module)):
            graphs.setdefault(module[:depth], {}).setdefault(module[depth], {})
        for other, line in imported_modules(path, root, modules):
            depth = next((n for n, (a, b) in enumerate(zip(module, other, strict=False)) if a != b), None)
            if depth is not None:
                place = f"{path.relative_to(root)}:{line}"
                graphs[module[:depth]][module[depth]].setdefault(other[depth], place)
    return graphs


def cycles(graph: Graph) -> list[list[str]]:
    """Return the groups of children that import each other, directly or by way of others of the group."""
    reached = {child: set(others) for child, others in graph.items()}
    while True:
        further = {child: others.union(*(reached[other] for other in others)) for child, others in reached.items()}
        if further == reached:
            break
        reached = further
    groups = {tuple(sorted(b for b in reached[a] if a in reached[b])) for a in reached if a in reached[a]}
    return [list(group) for group in sorted(groups)]
