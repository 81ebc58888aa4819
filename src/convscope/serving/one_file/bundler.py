"""Bundle the page's ES modules into one classic script, which also runs where nothing may be imported: from a disk.

Each module becomes a function that is called when it is first asked for. Imports become constants, so that exports may
not change after a module has run; the page has none that do. The script ends with a function `$start(path)`.
"""

from __future__ import annotations

import json
import posixpath
import re
from pathlib import Path

from ...errors import ModelFileError

_IMPORT = re.compile(r'^import\s+(?P<names>[^;"]*?)\s+from\s+"(?P<source>[^"]+)";[ \t]*$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?P<declaration>(?:async )?function\*? |const |class )(?P<name>\w+)", re.MULTILINE)
# Comments before a declaration; in the file they would only take room.
_COMMENT = re.compile(r"^[ \t]*/\*\*.*?\*/[ \t]*\n", re.MULTILINE | re.DOTALL)
_DYNAMIC = re.compile(r"\bimport\(")
# No name of the page's own begins with "$", so that none hides these.
_HEAD = """"use strict";
const $start = (() => {
const $started = new Map();
const $load = (path) => {
  if (!$started.has(path)) {
    const exported = {};
    $started.set(path, exported);
    $modules[path](exported);
  }
  return $started.get(path);
};
const $below = (folder) => async (path) => {
  const parts = folder ? folder.split("/") : [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return $load(parts.join("/"));
};
const $modules = {
"""
_TAIL = "};\nreturn $load;\n})();\n"


def bundle(page: Path, without: frozenset[str] = frozenset()) -> str:
    """Return one script with every module below `page` but those in `without`, as it is on the page.

    ModelFileError for a module that is written in a way that this bundler does not understand.
    """
    modules = {path.relative_to(page).as_posix(): path for path in sorted(page.rglob("*.js"))}
    imports: dict[str, list[str]] = {}
    parts = [_HEAD]
    for name, path in modules.items():
        if name in without:
            continue
        code, imports[name] = _module(name, path.read_text(encoding="utf-8"))
        parts.append(f"{json.dumps(name)}: ($exported) => {{\n{code}\n}},\n")
    _require_order(imports)
    return "".join([*parts, _TAIL])


def _module(name: str, source: str) -> tuple[str, list[str]]:
    """Return a module's code as the body of a function, and the modules that it imports."""
    folder = posixpath.dirname(name)
    imported: list[str] = []

    def constant(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(folder, match["source"]))
        imported.append(path)
        names = match["names"].strip()
        if names.startswith("* as "):
            names = names.removeprefix("* as ")
        else:
            names = re.sub(r"(\w+)\s+as\s+(\w+)", r"\1: \2", names)
        return f"const {names} = $load({json.dumps(path)});"

    source = _COMMENT.sub("", source)
    exports = [match["name"] for match in _EXPORT.finditer(source)]
    code = _EXPORT.sub(lambda match: match["declaration"] + match["name"], _IMPORT.sub(constant, source))
    code = _DYNAMIC.sub(f"$below({json.dumps(folder)})(", code)
    if left := re.search(r"^(?:import\b|export\b).*|import\.meta", code, re.MULTILINE):
        raise ModelFileError(f"the page's {name} cannot be bundled: {left[0]}")
    return f"{code.rstrip()}\nObject.assign($exported, {{ {', '.join(exports)} }});", imported


def _require_order(imports: dict[str, list[str]]) -> None:
    """Raise ModelFileError if modules import each other in a circle, since constants would be read too early."""
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise ModelFileError(f"the page cannot be bundled: {' -> '.join((*above, name))} is a circle")
        if name not in imports:
            raise ModelFileError(f"the page cannot be bundled: {above[-1]} imports {name}, which does not exist")
        if name not in done:
            for other in imports[name]:
                visit(other, (*above, name))
            done.add(name)

    for name in imports:
        visit(name, ())
