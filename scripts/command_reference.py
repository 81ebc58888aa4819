"""The reference of the command line as Markdown, made from the code: every verb, argument and option."""

from __future__ import annotations

import html
from typing import Any

WORDS = {
    "zh": ("命令行", "本页由代码生成，与 `convscope 动词 --help` 一致，说明文字为英文。", "参数", "说明", "默认值"),
    "en": (
        "Command line",
        "Made from the code: the same as `convscope VERB --help`.",
        "argument",
        "meaning",
        "default",
    ),
}


def command_reference(language: str) -> str:
    """Return the page: one section per verb with its words, arguments and options."""
    import typer

    from convscope.cli import app

    title, note, argument, meaning, default = WORDS[language]
    lines = [f"# {title}", "", note, ""]
    command: Any = typer.main.get_command(app)
    for name, verb in command.commands.items():
        given = [_name(parameter) for parameter in verb.params if parameter.param_type_name == "argument"]
        lines += [f"## {name}", "", "```sh", " ".join(["convscope", name, *given, "[OPTIONS]"]), "```", ""]
        lines += [f"{html.escape(' '.join(part.split()), quote=False)}\n" for part in (verb.help or "").split("\n\n")]
        lines += [f"| {argument} | {meaning} | {default} |", "|---|---|---|"]
        lines += [_row(parameter) for parameter in verb.params if parameter.name != "help"]
        lines.append("")
    return "\n".join(lines)


def _name(parameter: Any) -> str:
    """Return how a positional argument is called in the help, such as RUN."""
    return parameter.metavar or str(parameter.name).upper()


def _row(parameter: Any) -> str:
    """Return an argument or an option as a row of the table."""
    names = [_name(parameter)]
    if parameter.param_type_name == "option":
        flag = getattr(parameter, "is_flag", False)
        shown = "" if flag or not parameter.metavar else f" {parameter.metavar}"
        names = [f"{name}{shown}" for name in (*parameter.opts, *parameter.secondary_opts)]
    value = parameter.default
    known = value is not None and value is not False and value != () and not callable(value)
    cells = (
        "<br>".join(f"<code>{_cell(name)}</code>" for name in names),
        _cell(parameter.help or ""),
        f"<code>{_cell(str(value))}</code>" if known else "",
    )
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    """Return text for a cell of a table of Markdown."""
    return html.escape(" ".join(text.split()), quote=False).replace("|", "&#124;").replace("*", "&#42;")
