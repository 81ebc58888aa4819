"""`--help`: options under the headings of their panels, in plain text, in the user's language."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterator
from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperGroup

from ..messages.translate import language, translated

WIDTH = 78
# The column in which descriptions begin, unless a name is longer.
COLUMN = 30
# Marks that stand at no beginning of a line.
NO_BEGINNING = set("，。、；：？！）」』”’》…—·,.;:?!)]}")
NO_END = set("（“‘《「『([{")


class SpokenCommand(TyperCommand):
    """A command whose `--help` groups the options by panel. Without Rich, which takes 0.2 s to import.

    An option without a panel joins that of the option before it.
    """

    def get_help(self, ctx: Any) -> str:
        """Return the help in the user's language."""
        return _chinese_help(self, ctx) if language(sys.stdout) == "zh" else str(super().get_help(ctx))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, then the options by panel, in the order in which the panels first occur."""
        for panel, records in _panels(self, ctx).items():
            with formatter.section(panel):
                formatter.write_dl(records)


class SpokenGroup(TyperGroup):
    """The command as a whole, whose `--help` lists the verbs in the user's language."""

    def get_help(self, ctx: Any) -> str:
        """Return the help in the user's language."""
        return _chinese_help(self, ctx) if language(sys.stdout) == "zh" else str(super().get_help(ctx))


def _panels(command: Any, ctx: Any) -> dict[str, list[tuple[str, str]]]:
    """Return names and descriptions of arguments and options by panel."""
    panels: dict[str, list[tuple[str, str]]] = {}
    title = "Options"
    for parameter in command.get_params(ctx):
        if isinstance(parameter, TyperArgument):
            panel = "Arguments"
        else:
            panel = title = getattr(parameter, "rich_help_panel", None) or title
        if record := parameter.get_help_record(ctx):
            panels.setdefault(panel, []).append(record)
    return panels


def _chinese_help(command: Any, ctx: Any) -> str:
    usage = " ".join([ctx.command_path, *command.collect_usage_pieces(ctx)])
    usage = usage.replace("[OPTIONS]", "[选项]").replace("COMMAND [ARGS]...", "命令 [参数]...")
    lines = [f"用法：{usage}", ""]
    for text in _paragraphs(command.help):
        lines += [*wrapped(translated(text), "  "), ""]
    for panel, records in _panels(command, ctx).items():
        lines += [f"{translated(panel)}：", *_listed(records), ""]
    if verbs := getattr(command, "commands", {}):
        rows = [(name, next(_paragraphs(verb.help), "")) for name, verb in verbs.items()]
        lines += [f"{translated('Commands')}：", *_listed(rows), ""]
    for text in _paragraphs(command.epilog):
        lines += [*wrapped(translated(text), "  "), ""]
    return "\n".join(lines).rstrip()


def _paragraphs(text: str | None) -> Iterator[str]:
    """Yield the paragraphs of a text, each in one line."""
    return (" ".join(part.split()) for part in (text or "").split("\n\n") if part.strip())


def _listed(records: list[tuple[str, str]]) -> list[str]:
    """Return lines with a name and its description in Chinese beside it, or beneath a long name."""
    lines = []
    for name, description in records:
        text, note = re.fullmatch(r"(.*?)((?:  ?\[[^\]]*\])?)", description, re.DOTALL).groups()  # type: ignore[union-attr]
        first, *rest = wrapped(translated(text) + _noted(note), " " * COLUMN) or [""]
        beside = len(name) + 4 <= COLUMN
        lines += [f"  {name}".ljust(COLUMN) + first.strip()] if beside else [f"  {name}", first]
        lines += rest
    return lines


def _noted(note: str) -> str:
    """`[default: 3; required]` -> `[默认：3；必填]`."""
    parts = [translated(part.strip()) for part in note.strip(" []").split(";") if part.strip()]
    return f" [{'；'.join(parts)}]" if parts else ""


def wrapped(text: str, indent: str) -> list[str]:
    """Return the lines of a text at most `WIDTH` columns wide; Chinese breaks between characters, not before marks."""
    lines, line = [], indent
    for piece in _unbreakable(text):
        if _width(line) + _width(piece.rstrip()) > WIDTH and line.strip():
            lines.append(line.rstrip())
            line = indent + piece.lstrip()
        else:
            line += piece
    return [*lines, line.rstrip()] if line.strip() else lines


def _unbreakable(text: str) -> Iterator[str]:
    """Yield the pieces of a text between which a line may end: after spaces, and between wide characters."""
    piece = ""
    for character in text:
        if piece and _may_break(piece[-1], character):
            yield piece
            piece = ""
        piece += character
    if piece:
        yield piece


def _may_break(before: str, after: str) -> bool:
    if after in NO_BEGINNING or before in NO_END or after == " ":
        return False
    return before == " " or _width(before) == 2 or _width(after) == 2


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
