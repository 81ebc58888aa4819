"""The `--help` of a verb: options under the headings of their panels, in plain text."""

from __future__ import annotations

from typing import Any

from typer.core import TyperArgument, TyperCommand


class PanelCommand(TyperCommand):
    """A command whose `--help` groups the options by panel. Without Rich, which takes 0.2 s to import.

    An option without a panel joins that of the option before it.
    """

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, then the options by panel, in the order in which the panels first occur."""
        panels: dict[str, list[tuple[str, str]]] = {}
        title = "Options"
        for parameter in self.get_params(ctx):
            if isinstance(parameter, TyperArgument):
                panel = "Arguments"
            else:
                panel = title = getattr(parameter, "rich_help_panel", None) or title
            if record := parameter.get_help_record(ctx):
                panels.setdefault(panel, []).append(record)
        for panel, records in panels.items():
            with formatter.section(panel):
                formatter.write_dl(records)
