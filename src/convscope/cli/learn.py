"""`convscope learn`."""

from __future__ import annotations

from typing import Annotated

import typer

from ..errors import UsageError
from .output import say

Option = typer.Option


def learn_command(
    language: Annotated[
        str | None, Option(help="The language of the course. Default: that of the browser.", metavar="[zh|en]")
    ] = None,
    port: Annotated[
        int | None,
        Option(
            "--port", help="Port to serve it at. Default: 8100, or the next free one.", min=0, max=65_535, metavar="N"
        ),
    ] = None,
    open: Annotated[bool, Option("--open/--no-open", help="Open it in the browser.")] = True,
) -> None:
    """Open the course, in Chinese or English.

    Fourteen chapters with code that runs, and the documentation, all on this machine. The networks of `convscope serve`
    are part of it.
    """  # fmt: skip
    from ..learn import serve_course

    if language not in (None, "zh", "en"):
        raise UsageError(f"--language must be zh or en, not {language}")
    serve_course(language, port, open, say)
