"""Check the page's JavaScript and its translation keys. tree-sitter parses the modules, so that no Node is needed.

`python -m tests.javascript` prints one line `file:line: what` for each finding and exits with 1 if there is one.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tree_sitter import Node

from .javascript_module import FUNCTIONS, Module, joined, line_of, text_of

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "src" / "convscope" / "serving" / "page"
FUNCTION_LINES, FILE_LINES, LINE_WIDTH = 60, 300, 120
# What the browser provides; any other name that is neither declared nor imported is a finding.
BROWSER = """
    AbortController Array Blob Boolean DOMException DataView Date DecompressionStream Error Event EventSource
    Float32Array Float64Array ImageData Infinity Int32Array Int8Array JSON Map Math NaN Number Object Promise RangeError
    MutationObserver ResizeObserver Response Set String Symbol TextDecoder TextEncoder TypeError URL URLSearchParams
    Uint16Array Uint32Array Uint8Array WeakMap WebAssembly Worker
    addEventListener atob btoa clearInterval clearTimeout console createImageBitmap crypto devicePixelRatio document
    encodeURIComponent fetch getComputedStyle history innerHeight innerWidth localStorage location matchMedia navigator
    parseFloat parseInt performance queueMicrotask requestAnimationFrame self setInterval setTimeout structuredClone
    window
"""


class Finding(NamedTuple):
    path: str  # below the page
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


def sizes(module: Module) -> Iterator[Finding]:
    """Syntax errors, and lines, functions and files that are too long."""
    if module.root.has_error:
        yield Finding(module.path, line_of(module.first_error()), "does not parse as JavaScript")
    for node in module.nodes:
        lines = node.end_point.row - node.start_point.row + 1
        if node.type in FUNCTIONS and lines > FUNCTION_LINES:
            name = node.child_by_field_name("name")
            what = f"function {text_of(name)}" if name else "function"
            yield Finding(module.path, line_of(node), f"{what} of {lines} lines; at most {FUNCTION_LINES}")
    lines = module.source.splitlines()
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_WIDTH:
            yield Finding(module.path, number, f"line of {len(line)} characters; at most {LINE_WIDTH}")
    if len(lines) > FILE_LINES:
        yield Finding(module.path, len(lines), f"file of {len(lines)} lines; at most {FILE_LINES}")


def names(module: Module, modules: dict[str, Module]) -> Iterator[Finding]:
    """Names that are used but declared nowhere, declared but not used, and imported from where they are not."""
    for node in module.unknown:
        if text_of(node) not in BROWSER.split():
            yield Finding(module.path, line_of(node), f"{text_of(node)} is neither declared nor imported")
    imported = {name.local.id for name in module.imports}
    for node in module.variables:
        if not module.uses[node.id] and node.id not in {name.id for name in module.exports.values()}:
            verb = "imported" if node.id in imported else "declared"
            yield Finding(module.path, line_of(node), f"{text_of(node)} is {verb} but not used")
    for target, name, local in module.imports:
        if target not in modules:
            yield Finding(module.path, line_of(local), f"imports from {target}, which does not exist")
            continue
        wanted = [name] if name != "*" else [text_of(member) for member in members(module, local)]
        for missing in sorted({name for name in wanted if name not in modules[target].exports}):
            yield Finding(module.path, line_of(local), f"imports {missing}, which {target} does not export")


def members(module: Module, namespace: Node) -> Iterator[Node]:
    """The names that are read off a namespace: `fetch` in `api.fetch`."""
    for use in module.uses[namespace.id]:
        if use.parent.type == "member_expression":
            yield use.parent.child_by_field_name("property")


def unused_exports(modules: dict[str, Module]) -> Iterator[Finding]:
    """Exports that no other module imports, neither by name nor through a namespace nor with `import(...)`."""
    used: set[tuple[str, str]] = set()
    for module in modules.values():
        for target, name, local in module.imports:
            taken = [name] if name != "*" else [text_of(member) for member in members(module, local)]
            used |= {(target, name) for name in taken}
        loaded = [path for path in modules if any(re.fullmatch(pattern, path) for pattern in loads(module))]
        properties = {text_of(node) for node in module.nodes if node.type == "property_identifier"}
        used |= {(path, name) for path in loaded for name in properties}
    for module in modules.values():
        for name, node in module.exports.items():
            if (module.path, name) not in used:
                yield Finding(module.path, line_of(node), f"exports {name}, which no module imports")


def loads(module: Module) -> Iterator[str]:
    """A pattern for each `import(...)`: the same expression in a template stands for the same name."""
    for node in module.nodes:
        if node.type == "call_expression" and node.child_by_field_name("function").type == "import":
            source = node.child_by_field_name("arguments").named_children[0]
            pattern = ""
            seen: list[str] = []
            for part in source.named_children:
                if part.type == "string_fragment":
                    pattern += re.escape(joined(module.path, text_of(part)) if not pattern else text_of(part))
                elif text_of(part) in seen:
                    pattern += rf"\{seen.index(text_of(part)) + 1}"
                else:
                    seen.append(text_of(part))
                    pattern += "([^/]+)"
            yield pattern


class Asked(NamedTuple):
    """A translation key, or a pattern of keys, that a file asks for."""

    path: str
    line: int
    key: str
    pattern: re.Pattern[str]


def asked_for(module: Module, sections: set[str]) -> Iterator[Asked]:
    """Keys in a module: literals and templates that begin as keys do, and whatever is given to `t` or `has`.

    The constant parts of a template mark the keys that it may make; each expression in it stands for one part of a key.
    """
    for node in module.nodes:
        if node.type not in ("string", "template_string") or node.parent.type == "import_statement":
            continue
        pieces = node.named_children
        key = "".join(text_of(piece) if piece.type == "string_fragment" else "*" for piece in pieces)
        begins = re.match(r"(\w+)\.[\w.*-]+$", key)
        if (begins and begins[1] in sections) or (is_argument(node) and key.strip("*")):
            pattern = re.escape(key).replace(r"\*", r"[^.]+")
            yield Asked(module.path, line_of(node), key, re.compile(pattern))


def is_argument(node: Node) -> bool:
    """Whether a literal is the first argument of `t` or `has`, also as a branch of a condition."""
    while node.parent.type == "ternary_expression" and node.parent.child_by_field_name("condition").id != node.id:
        node = node.parent
    arguments = node.parent
    if arguments.type != "arguments" or arguments.named_children[0].id != node.id:
        return False
    called = arguments.parent.child_by_field_name("function")
    return called is not None and text_of(called) in ("t", "has")


def asked_in_html(path: str, source: str) -> Iterator[Asked]:
    for match in re.finditer(r'data-i18n[\w-]*="([^"]*)"', source):
        line = source.count("\n", 0, match.start()) + 1
        yield Asked(path, line, match[1], re.compile(re.escape(match[1])))


def translations(asked: list[Asked], languages: dict[str, str]) -> Iterator[Finding]:
    """Keys that a language lacks, and keys that nothing asks for. `languages` is the text of each JSON file."""
    words = {path: json.loads(source) for path, source in languages.items()}
    keys = {path: {key for key in known if not variant(key, known)} for path, known in words.items()}
    for path, known in keys.items():
        for one in asked:
            if not any(map(one.pattern.fullmatch, known)):
                yield Finding(one.path, one.line, f'translation key "{one.key}" is missing from {path}')
        for key in sorted(set().union(*keys.values()) - known):
            yield Finding(path, 1, f'translation key "{key}" is missing; another language has it')
        lines = languages[path].splitlines()
        for key in sorted(known):
            if not any(one.pattern.fullmatch(key) for one in asked):
                line = next(i for i, line in enumerate(lines, 1) if json.dumps(key) + ":" in line)
                yield Finding(path, line, f'translation key "{key}" is not used')


def variant(key: str, words: dict[str, str]) -> bool:
    """`KEY_one` is the English text of KEY for a single thing, Chinese has none; `KEY_touch` that for fingers."""
    return any(key.endswith(end) and key.removesuffix(end) in words for end in ("_one", "_touch"))


def check(page: Path = PAGE) -> list[Finding]:
    """All findings in a folder with modules, HTML files and `i18n/*.json`."""

    def sources(suffix: str) -> dict[str, str]:
        return {path.relative_to(page).as_posix(): path.read_text("utf-8") for path in sorted(page.rglob(f"*{suffix}"))}

    modules = {path: Module(path, source) for path, source in sources(".js").items()}
    languages = {path: source for path, source in sources(".json").items() if path.startswith("i18n/")}
    sections = {key.split(".")[0] for source in languages.values() for key in json.loads(source)}
    found = [finding for module in modules.values() for finding in (*sizes(module), *names(module, modules))]
    found += unused_exports(modules)
    asked = [one for module in modules.values() for one in asked_for(module, sections)]
    asked += [one for path, source in sources(".html").items() for one in asked_in_html(path, source)]
    return sorted([*found, *translations(asked, languages)])


if __name__ == "__main__":
    findings = check()
    for finding in findings:
        print(f"{PAGE.relative_to(ROOT).as_posix()}/{finding}")
    sys.exit(bool(findings))
