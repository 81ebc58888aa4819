"""Find what the command says, and what of it has no Chinese: `python -m scripts.messages`.

Found in the code: the texts of errors, warnings, problems of a data set and printed lines, with the pieces that an
f-string puts into them: where a value is a name or a call, the texts that the name is given or the function returns.
Found in the command itself: every help text. A text is written as in the catalogue, with {0}, {1}, ... for its values.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from convscope.messages.translate import _catalogue

SOURCE = Path(__file__).parents[1] / "src" / "convscope"
ERRORS = {
    "ConvScopeError", "UsageError", "DataError", "ModelFileError", "DivergedError", "DeviceError", "OutputError",
    "Interrupted",
}  # fmt: skip
# Calls whose text arguments a user reads; the short ones are read even if they are a single word.
SHORT = {"say", "translated", "phrase", "print_table", "doing"}
SAYS = ERRORS | SHORT | {
    "UnreadableImage", "NotAnImage", "ValueError", "Abstention", "warning", "warn", "show_line", "progress", "Problem",
    "_several", "_wrong", "Origin", "require_extra", "did_you_mean", "Choice", "describe_copies",
    "DoubtfulLayoutError", "NoLabelsError", "OtherTaskError", "DoubtfulLabelError", "DoubtfulTypeError",
    "OtherImagesError",
    "UnclearEncodingError", "TooLargeError", "note", "tried",
    "Images", "Refusal", "Layout", "LabelCheck", "Fitted", "Measured",
}  # fmt: skip
# Attributes that hold a text.
HOLDING = ("reason", "note", "words", "origin")
# Of log records and problems of data, and of the table of `compare`, whose head depends on what is compared.
HEAD = ("warning", "error", "info", "run", "parameters", "MACs", "minus {0}", "95 % interval", "train", "val", "test")
# Functions that leave a text as it is, so that what they are given is looked at instead.
TRANSPARENT = {"printable", "join", "str", "lower", "rstrip", "strip", "replace"}
DEEPEST = 7
# Functions that return a line, beside something else, which their caller shows.
RETURNING = (
    "choose_for_photos", "settle_members", "settle_size", "settle_crop", "cut_off", "_planned_duration", "_matched",
    "_adapt_first", "scaling", "padding", "resizing_recipe", "_why_refused",
)  # fmt: skip
# What only programs meet: functions of the Python interface that no verb calls.
APART = (
    "scratch/",
    "insight/arithmetic/",
    "insight/activating_patches",
    "insight/channel",
    "insight/kernels",
    "insight/layer_gradients",
    "insight/output_size",
    "models/tools/backbone",
    "messages/",
)
# Of click, which the command line is made with: what its errors and its help say.
CLICK = (
    "Commands", "Options", "Arguments", "Show this message and exit.", "No such option: {0}", "No such command '{0}'",
    "Missing argument '{0}'", "Missing parameter: {0}", "Missing command", "Option '{0}' requires an argument",
    "Option '{0}' does not take a value", "Got unexpected extra argument(s) ({0})", "Value error, {0}",
    "Input should be a valid integer, unable to parse string as an integer",
    "Input should be a valid number, unable to parse string as a number",
    "Input should be greater than or equal to {0}", "Input should be less than or equal to {0}",
   
    "Invalid value for '{0}': {1}", "'{0}' is not a valid integer", "'{0}' is not a valid float",
    "'{0}' is not one of {1}", "{0} is not in the range {1}", "Did you mean {0}?", "Did you mean one of: {0}?",
    "No such option: {0} (Possible options: {1})", "No such option: {0} Did you mean {1}?",
    "No such option: {0} (give it as --option {1}=VALUE)", "stopped",
    "No such command '{0}'. Did you mean '{1}'?", "required", "default: {0}",
)  # fmt: skip


def messages() -> dict[str, str]:
    """Return every message of the command, and where it stands."""
    found = dict.fromkeys(CLICK, "click")
    found |= dict.fromkeys(HEAD, "comparing/page.py")
    found |= dict.fromkeys(help_texts(), "--help")
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(SOURCE.rglob("*.py"))}
    of_verbs = [path for path in trees if not path.relative_to(SOURCE).as_posix().startswith(APART)]
    reader = _Reader([trees[path] for path in of_verbs])
    for path in of_verbs:
        for node, scope in _calls(trees[path]):
            for argument in [*node.args, *(word.value for word in node.keywords)]:
                if _name(node.func) == "print_table" and argument in node.args:
                    continue
                for text in reader.texts(argument, scope, short=_name(node.func) in SHORT):
                    found.setdefault(text, f"{path.relative_to(SOURCE)}:{node.lineno}")
    for name in RETURNING:
        for value, scope in chain.from_iterable(reader.returns[name]):
            found |= dict.fromkeys(reader.texts(value, scope), name)
    return found


def help_texts() -> Iterator[str]:
    """Yield the help of every verb, paragraph by paragraph, and of every option, and the names of the panels."""
    import typer

    from convscope.cli import app

    command: Any = typer.main.get_command(app)
    for one in [command, *command.commands.values()]:
        yield from paragraphs(one.help or "")
        yield from paragraphs(one.epilog or "")
        for parameter in one.params:
            if text := getattr(parameter, "help", None):
                yield without_default(text)
            if panel := getattr(parameter, "rich_help_panel", None):
                yield panel


def _calls(tree: ast.Module) -> Iterator[tuple[ast.Call, ast.AST]]:
    """Yield the calls that say something, each with the innermost function around it."""

    def walk(node: ast.AST, scope: ast.AST) -> Iterator[tuple[ast.Call, ast.AST]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Call) and _name(child.func) in SAYS:
                yield child, scope
            inner = child if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else scope
            yield from walk(child, inner)

    return walk(tree, tree)


def _name(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


class _Reader:
    """Makes catalogue keys of expressions; knows what functions of the package return and what its constants are."""

    def __init__(self, trees: list[ast.Module]):
        self.returns: dict[str, list[list[tuple[ast.expr, ast.AST]]]] = {}
        self.attributes: dict[str, list[tuple[ast.expr, ast.AST]]] = {}
        self.constants: dict[tuple[str, int], ast.expr] = {}  # by their name and file
        self.files: dict[int, int] = {}
        self.trees = {id(tree): tree for tree in trees}
        for tree in trees:
            for node in ast.walk(tree):
                self.files[id(node)] = id(tree)
                if isinstance(node, ast.FunctionDef):
                    values = [each.value for each in ast.walk(node) if isinstance(each, ast.Return) and each.value]
                    self.returns.setdefault(node.name, []).append([(value, node) for value in values])
                elif isinstance(node, ast.Assign):
                    for target in node.targets:
                        for each in ast.walk(target):
                            if isinstance(each, ast.Attribute):
                                self.attributes.setdefault(each.attr, []).append((node.value, tree))
            for node in tree.body:
                if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                    self.constants[node.targets[0].id, id(tree)] = node.value

    def texts(self, node: ast.expr, scope: ast.AST, depth: int = 0, short: bool = False) -> Iterator[str]:
        """Yield the keys of an expression that is a text, and of the texts inside it."""
        if isinstance(node, ast.IfExp):
            for branch in (node.body, node.orelse):
                yield from self.texts(branch, scope, depth, short)
        elif isinstance(node, ast.BoolOp):
            for value in node.values:
                yield from self.texts(value, scope, depth)
        elif isinstance(node, ast.List | ast.Tuple):
            for element in node.elts:
                yield from self.texts(element, scope, depth, short)
        elif isinstance(node, ast.Dict):
            for value in node.values:
                yield from self.texts(value, scope, depth)
        elif isinstance(node, ast.Subscript | ast.Starred):
            yield from self.texts(node.value, scope, depth)
        elif isinstance(node, ast.Name | ast.Call | ast.Attribute):
            if depth < DEEPEST:
                yield from self._behind(node, scope, depth + 1, short)
        else:
            values: list[ast.expr] = []
            key = _key(node, values)
            if key is not None and (is_text(key) or (short and re.search("[A-Za-z]{2}", key))):
                yield key.strip()
            for value in values:
                yield from self.texts(value, scope, depth)

    def _behind(self, node: ast.expr, scope: ast.AST, depth: int, short: bool) -> Iterator[str]:
        """Yield the keys of what a name was given, or a function returns."""
        if isinstance(node, ast.Call):
            name = _name(node.func)
            if name in TRANSPARENT:
                inside = [*node.args, *([node.func.value] if isinstance(node.func, ast.Attribute) else [])]
                for argument in inside:
                    yield from self.texts(argument, scope, depth)
            elif name not in ERRORS | SHORT:
                functions = self.returns.get(name, [])
                for value, function in functions[0] if len(functions) == 1 else ():
                    yield from self.texts(value, function, depth)
        elif isinstance(node, ast.Attribute):
            for value, function in self.attributes.get(node.attr, ()) if node.attr.endswith(HOLDING) else ():
                yield from self.texts(value, function, depth, short)
        elif isinstance(node, ast.Name):
            for each in ast.walk(scope):
                if isinstance(each, ast.Assign | ast.AugAssign | ast.NamedExpr) and node.id in _targets(each):
                    yield from self.texts(each.value, scope, depth, short)
                elif isinstance(each, ast.For) and node.id in _targets(each):
                    yield from self.texts(each.iter, scope, depth, short)
                elif isinstance(each, ast.Call) and _appends_to(each, node.id):
                    yield from self.texts(each.args[0], scope, depth, short)
            yield from self._constant(node.id, self.files[id(scope)], depth, short)

    def _constant(self, name: str, file: int, depth: int, short: bool) -> Iterator[str]:
        """Yield the keys of a constant of a file, or of the only one of that name that it may have imported."""
        found = {where: value for (other, where), value in self.constants.items() if other == name}
        value = found.get(file) or (next(iter(found.values())) if len(found) == 1 and name.isupper() else None)
        if value is not None:
            yield from self.texts(value, self.trees[file], depth, short)


def _targets(node: Any) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}


def _appends_to(call: ast.Call, name: str) -> bool:
    function = call.func
    return isinstance(function, ast.Attribute) and function.attr == "append" and _name(function.value) == name


def _key(node: ast.expr, values: list[ast.expr]) -> str | None:
    """Return a text as a key and append its values, or None for what is no text."""
    if isinstance(node, ast.Constant):
        if not isinstance(node.value, str):
            return None
        return re.sub(r"%(?:[.,\d]*[sdfg])", _numbered(values), node.value).replace("%%", "%")
    if isinstance(node, ast.JoinedStr):
        parts = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                parts.append(f"{{{len(values)}}}")
                values.append(part.value)
            else:
                parts.append(str(getattr(part, "value", "")))
        return "".join(parts)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        both = [_placed(side, values) if _is_value(side) else _key(side, values) for side in (node.left, node.right)]
        return None if None in both else "".join(map(str, both))
    return None


def _is_value(node: ast.expr) -> bool:
    return not isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp)


def _placed(node: ast.expr, values: list[ast.expr]) -> str:
    values.append(node)
    return f"{{{len(values) - 1}}}"


def _numbered(values: list[ast.expr]) -> Any:
    def number(match: re.Match[str]) -> str:
        values.append(ast.Constant(None))
        return f"{{{len(values) - 1}}}"

    return number


def is_text(key: str) -> bool:
    """Whether a key is words that a user reads, and not a name, a mark or an ending."""
    words = re.findall(r"[A-Za-z]{2,}", re.sub(r"\{\w+\}|`[^`]*`", " ", key))
    return " " in key.strip() and bool(words) and sum(map(len, words)) >= 4


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a docstring, each in one line."""
    return [" ".join(part.split()) for part in inspect.cleandoc(text).split("\n\n") if part.strip()]


def without_default(text: str) -> str:
    """Return the help of an option without the default that is written behind it."""
    return re.sub(r" \[default: [^\]]*\]$", "", text)


def main() -> int:
    """Print the messages without Chinese, and what in the catalogue no message is."""
    said, known = messages(), _catalogue()
    missing, unused = [text for text in said if text not in known], [text for text in known if text not in said]
    for text in missing:
        print(f"missing  {said[text]}  {text}")
    for text in unused:
        print(f"unused   {text}")
    print(f"{len(said)} messages, {len(missing)} missing, {len(unused)} unused")
    return bool(missing or unused)


if __name__ == "__main__":
    sys.exit(main())
