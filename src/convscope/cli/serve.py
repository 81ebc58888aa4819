"""`convscope serve`."""

from __future__ import annotations

from typing import Annotated

import typer

Option = typer.Option


def serve_command(
    run: Annotated[
        str | None,
        typer.Argument(
            help="A run folder (also one in training), a bundle, `last`, or nothing: the bundled classifiers."
        ),
    ] = None,
    host: Annotated[
        str, Option(help="The address to listen on; 0.0.0.0 is every network of this machine.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None, Option(help="The port; 8000, or the next free one, if not given.", min=0, max=65_535)
    ] = None,
    device: Annotated[str, Option(help="auto, cpu, cuda, mps.")] = "auto",
    open: Annotated[bool, Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Open the page that shows a network at work, and the HTTP API behind it."""
    from ..serving.server import serve

    serve(run, host, port, device, open, typer.echo)
