"""The course and the documentation as pages of the package, and a server for them on this machine alone.

`make docs` writes the pages into `site`; a package that is built afterwards holds them.
"""

from __future__ import annotations

import socket
import threading
import webbrowser
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ..errors import OutputError, UsageError

SITE = Path(__file__).parent / "site"
HOST = "127.0.0.1"
FIRST_PORT = 8100  # beside `convscope serve`, which begins at 8000
PORTS_TRIED = 100


def serve_course(
    language: str | None = None,
    port: int | None = None,
    open_browser: bool = True,
    echo: Callable[[str], None] = print,
) -> None:
    """Serve the pages until Ctrl-C; `echo` prints their address.

    `language` is "zh" or "en", or None for that of the browser. Without a `port`, it is 8100 or the next free one.
    UsageError if this installation has no pages, OutputError if the port is taken.
    """
    server = make_server(site_folder(), port)
    address = f"http://{HOST}:{server.server_port}/" + (f"{language}/index.html" if language else "")
    echo(f"the course is at {address}")
    echo("press Ctrl-C to stop")
    if open_browser:
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    with server:
        server.serve_forever()


def site_folder() -> Path:
    """Return the folder of the pages; UsageError says how to get them."""
    if not (SITE / "index.html").is_file():
        raise UsageError(
            "this installation has no course: run `make docs` in a checkout of ConvScope, or read docs/zh/course or "
            "docs/en/course there"
        )
    return SITE


def make_server(folder: Path, port: int | None = None) -> ThreadingHTTPServer:
    """Return a server for the files of a folder that listens on this machine alone; OutputError if it cannot."""
    wanted = FIRST_PORT if port is None else port
    tried = range(wanted, min(wanted + PORTS_TRIED, 65_536)) if port is None else (wanted,)
    for number in tried:
        try:
            return _Server((HOST, number), partial(_Pages, directory=str(folder)))
        except OSError as problem:
            reason = problem.strerror
    raise OutputError(f"cannot listen on {HOST}:{wanted}: {reason}; give another --port")


class _Server(ThreadingHTTPServer):
    # Elsewhere than on POSIX systems this option lets two programs share a port.
    allow_reuse_address = hasattr(socket, "AF_UNIX")
    daemon_threads = True


class _Pages(SimpleHTTPRequestHandler):
    """Answers with files, never with a list of a folder."""

    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript", ".json": "application/json"}  # noqa: RUF012

    def end_headers(self) -> None:
        """Have the browser ask again after the pages were built again."""
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def list_directory(self, path: Any) -> None:
        """Answer that there is no such page."""
        self.send_error(404)

    def log_message(self, *words: Any) -> None:
        """Say nothing about each request."""
