"""`convscope serve`."""

from __future__ import annotations

from typing import Annotated

import typer

from .parameters import Device
from .target_options import Target, with_target_options

Option = typer.Option


@with_target_options
def serve_command(
    targets: list[Target],
    host: Annotated[
        str, Option(help="Address to listen on. 0.0.0.0 lets other machines on the network connect.", metavar="ADDRESS")
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        Option(help="Port to listen on. Default: 8000, or the next free one.", min=0, max=65_535, metavar="N"),
    ] = None,
    device: Device = "auto",
    allow_frame: Annotated[
        list[str] | None,
        Option(
            help="Origin of a page that may show this one in a frame, such as http://localhost:8888. Can be repeated. "
            "Default: none may.",
            metavar="ORIGIN",
        ),
    ] = None,
    open: Annotated[bool, Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Serve the page that shows a network at work, and an HTTP API."""
    from ..serving.server import serve

    serve(targets, host, port, device, open, typer.echo, allow_frame or [])
