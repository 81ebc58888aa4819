"""`convscope serve`."""

from __future__ import annotations

from typing import Annotated

import typer

from .parameters import Device, OwnModel

Option = typer.Option


def serve_command(
    run: Annotated[
        str | None,
        typer.Argument(
            help="The classifier: a run folder (also of a training that is still running), a bundle (a saved "
            "classifier: folder or zip), or `last` (the newest run). Default: the bundled classifiers alone.",
            metavar="RUN",
        ),
    ] = None,
    model: OwnModel = None,
    host: Annotated[
        str, Option(help="Address to listen on. 0.0.0.0 lets other machines on the network connect.", metavar="ADDRESS")
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        Option(help="Port to listen on. Default: 8000, or the next free one.", min=0, max=65_535, metavar="N"),
    ] = None,
    device: Device = "auto",
    open: Annotated[bool, Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Serve the page that shows a network at work, and an HTTP API."""
    from ..serving.server import serve

    serve(run, model, host, port, device, open, typer.echo)
