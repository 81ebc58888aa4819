"""The path prefix under which a proxy shows the service, whether or not the proxy removes it from the path."""

from __future__ import annotations

import re

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ...errors import UsageError, printable

PREFIX = re.compile(r"(?:/[A-Za-z0-9._~@:+-]+)+")


class PathPrefix:
    """Lets every route be asked for with the prefix and without it."""

    def __init__(self, app: ASGIApp, prefix: str):
        self.app, self.prefix = app, prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request; the prefix itself leads to the page, whose addresses are relative to a closing slash."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope["path"] == self.prefix:
            await RedirectResponse(f"{self.prefix}/")(scope, receive, send)
        else:
            path = scope["path"]
            path = path if path.startswith(f"{self.prefix}/") else self.prefix + path
            await self.app({**scope, "root_path": self.prefix, "path": path}, receive, send)


def bare_path(scope: Scope) -> str:
    """Return the path of a request without the prefix."""
    return str(scope["path"]).removeprefix(scope.get("root_path", ""))


def wants_plain_errors(scope: Scope) -> bool:
    """Return whether a request is of the Open Inference Protocol, whose clients expect an error to be a text."""
    return bare_path(scope).partition("/v2")[0] == "" and bare_path(scope)[3:4] in ("", "/")


def checked_prefix(text: str) -> str:
    """Return a path prefix, without a closing slash, "" for none; UsageError if the text is none."""
    prefix = text.strip().rstrip("/")
    if prefix and (not PREFIX.fullmatch(prefix) or "/.." in prefix):
        raise UsageError(f"--root-path {printable(text)}: give the path that the proxy adds, such as /models")
    return prefix
