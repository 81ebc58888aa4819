"""One JavaScript module, parsed by tree-sitter: its imports, exports, and which name means which declaration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from tree_sitter import Language, Node, Parser
from tree_sitter_javascript import language

FUNCTIONS = {
    "function_declaration", "function_expression", "arrow_function", "method_definition",
    "generator_function_declaration", "generator_function",
}  # fmt: skip
SCOPES = FUNCTIONS | {"program", "statement_block", "for_statement", "for_in_statement", "catch_clause", "switch_body"}
REFERENCES = {"identifier", "shorthand_property_identifier", "shorthand_property_identifier_pattern"}


class Imported(NamedTuple):
    module: str  # path below the page
    name: str  # as the module exports it; "*" for all of it
    local: Node


def text_of(node: Node) -> str:
    return node.text.decode()


def line_of(node: Node) -> int:
    return node.start_point.row + 1


def walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.named_children:
        yield from walk(child)


def bound_by(pattern: Node | None) -> Iterator[Node]:
    """The identifiers that a pattern such as `{ a, b: [c, ...d], e = 1 }` declares."""
    if pattern is None:
        return
    if pattern.type in ("identifier", "shorthand_property_identifier_pattern"):
        yield pattern
    elif pattern.type in ("assignment_pattern", "object_assignment_pattern"):
        yield from bound_by(pattern.child_by_field_name("left"))
    elif pattern.type == "pair_pattern":
        yield from bound_by(pattern.child_by_field_name("value"))
    elif pattern.type in ("object_pattern", "array_pattern", "rest_pattern", "formal_parameters"):
        for child in pattern.named_children:
            yield from bound_by(child)


def parameters_of(scope: Node) -> Iterator[Node]:
    for field in ("parameters", "parameter"):
        yield from bound_by(scope.child_by_field_name(field))


def declared_by(statement: Node) -> Iterator[Node]:
    """The identifiers that one statement declares in the scope around it, imports aside."""
    if statement.type in ("lexical_declaration", "variable_declaration"):
        for declarator in statement.named_children:
            yield from bound_by(declarator.child_by_field_name("name"))
    elif statement.type in ("function_declaration", "generator_function_declaration", "class_declaration"):
        yield statement.child_by_field_name("name")
    elif statement.type == "export_statement" and (declaration := statement.child_by_field_name("declaration")):
        yield from declared_by(declaration)


class Module:
    """One parsed file: its imports, exports and the names in it that nothing declares or nothing uses."""

    def __init__(self, path: str, source: str) -> None:
        self.path, self.source = path, source
        self.root = Parser(Language(language())).parse(source.encode()).root_node
        self.nodes = list(walk(self.root))
        self.imports = list(self._imports())
        self.exports = {text_of(name): name for name in self._exports()}
        self._resolve()

    def _imports(self) -> Iterator[Imported]:
        for statement in self.root.named_children:
            if statement.type != "import_statement":
                continue
            source = text_of(statement.child_by_field_name("source"))[1:-1]
            module = joined(self.path, source)
            for node in walk(statement):
                if node.type == "import_specifier":
                    name = node.child_by_field_name("name")
                    yield Imported(module, text_of(name), node.child_by_field_name("alias") or name)
                elif node.type == "namespace_import":
                    yield Imported(module, "*", node.named_children[0])

    def _exports(self) -> Iterator[Node]:
        for statement in self.root.named_children:
            if statement.type != "export_statement":
                continue
            yield from declared_by(statement)
            for node in walk(statement):
                if node.type == "export_specifier":
                    yield node.child_by_field_name("alias") or node.child_by_field_name("name")

    def first_error(self) -> Node:
        """The innermost node around the first syntax error."""
        node = self.root
        while inner := next((child for child in node.children if child.has_error), None):
            node = inner
        return node

    def _resolve(self) -> None:
        """Find what each name means: `uses` holds the uses of each declaration, `unknown` what nothing declares."""
        scopes = {node.id: self._declared_in(node) for node in self.nodes if node.type in SCOPES}
        declarations = {name.id for names in scopes.values() for name in names.values()}
        parameters = {name.id for node in self.nodes if node.type in SCOPES for name in parameters_of(node)}
        self.variables = [node for node in self.nodes if node.id in declarations - parameters]
        self.uses: dict[int, list[Node]] = {key: [] for key in declarations}
        self.unknown: list[Node] = []
        imports = [node for node in self.root.named_children if node.type == "import_statement"]
        elsewhere = declarations | {node.id for statement in imports for node in walk(statement)}
        for node in self.nodes:
            # The grammar takes `await (...)` for a call.
            if node.type not in REFERENCES or node.id in elsewhere or text_of(node) == "await":
                continue
            scope: Node | None = node
            while scope and text_of(node) not in scopes.get(scope.id, {}):
                scope = scope.parent
            if scope:
                self.uses[scopes[scope.id][text_of(node)].id].append(node)
            else:
                self.unknown.append(node)

    def _declared_in(self, scope: Node) -> dict[str, Node]:
        names = list(parameters_of(scope))
        if scope.type == "for_in_statement" and scope.child_by_field_name("kind"):
            names += bound_by(scope.child_by_field_name("left"))
        names += [name for statement in scope.named_children for name in declared_by(statement)]
        if scope.type == "program":
            names += [imported.local for imported in self.imports]
        return {text_of(name): name for name in names}


def joined(path: str, source: str) -> str:
    """`../dom.js` as the module at `path` means it, as a path below the page."""
    parts: list[str] = []
    for part in (*PurePosixPath(path).parent.parts, *source.split("/")):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
