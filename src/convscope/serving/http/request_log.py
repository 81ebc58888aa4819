"""Every request gets an id, is counted, and with --log-format json becomes one line of the log."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...errors import printable
from .errors import standard_error
from .guard import send_error
from .prefix import bare_path

REQUEST_ID = re.compile(r"[\w.:-]{1,100}", re.ASCII)
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
# The status that nginx gives to requests whose client has left before the answer.
CLIENT_LEFT = 499
Observe = Callable[[str, str, int, float], None]
requests = logging.getLogger("convscope.requests")
errors = logging.getLogger(__name__)


class RequestLog:
    """Gives each request the id that its client or a proxy sent (X-Request-ID), or a new one, and answers with it.

    An unexpected exception becomes a 500; its reason is logged with the id and not shown to the client. `observe` is
    told of method, route, status and seconds.
    """

    def __init__(self, app: ASGIApp, observe: Observe):
        self.app, self.observe = app, observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0
        given = Headers(scope=scope).get("x-request-id", "")
        id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = id

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", id.encode())]
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except ClientDisconnect:
            status = CLIENT_LEFT
        except Exception as problem:
            reason = printable(f"{type(problem).__name__}: {problem}")[:300]
            path = printable(scope["path"])
            errors.error("%s %s: unexpected %s (request %s)", scope["method"], path, reason, id)
            if status == 0:
                await send_error(standard_error(500), scope, send_with_id)
        finally:
            seconds = time.perf_counter() - started
            method = scope["method"] if scope["method"] in METHODS else "other"
            self.observe(method, route_of(scope), status, seconds)
            if requests.isEnabledFor(logging.INFO):
                requests.info("request", extra={"fields": _fields(scope, id, status, seconds)})


def route_of(scope: Scope) -> str:
    """Return the route of a request as it is declared, so that there are few of them."""
    route = scope.get("route")
    return getattr(route, "path", None) or "other"


def _fields(scope: Scope, id: str, status: int, seconds: float) -> dict[str, Any]:
    client = scope.get("client")
    return {
        "request_id": id,
        "client": client[0] if client else None,
        "method": scope["method"],
        "path": bare_path(scope),
        "status": status,
        "ms": round(seconds * 1000, 3),
        **scope["state"].get("log", {}),
    }
