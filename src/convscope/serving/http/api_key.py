"""The API key: only requests that name it are answered."""

from __future__ import annotations

import base64
import binascii
import hmac

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from .errors import HttpError
from .guard import send_error
from .prefix import bare_path

# What whoever starts and stops services asks, without a key: whether this one lives, and whether it can answer.
OPEN_PATHS = {"/health", "/ready", "/v2/health/live", "/v2/health/ready"}


class RequireApiKey:
    """Rejects with 401, before its body is read, any request without the key.

    It is taken as `Authorization: Bearer KEY`, as `X-API-Key: KEY`, or as the password of a browser's own dialogue
    (Basic, with any name), which is how the page is opened.
    """

    def __init__(self, app: ASGIApp, key: str):
        self.app, self.key = app, key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, or answer 401."""
        if scope["type"] != "http" or bare_path(scope) in OPEN_PATHS or self._is_given(Headers(scope=scope)):
            await self.app(scope, receive, send)
            return
        error = HttpError(
            401,
            "this service needs its API key: send it as Authorization: Bearer KEY or X-API-Key: KEY",
            "本服务需要 API 密钥，请以 Authorization: Bearer KEY 或 X-API-Key: KEY 发送",
            {"WWW-Authenticate": 'Basic realm="ConvScope", charset="UTF-8"'},
        )
        await send_error(error, scope, send)

    def _is_given(self, headers: Headers) -> bool:
        scheme, _, value = headers.get("authorization", "").partition(" ")
        given = [headers.get("x-api-key", "")]
        if scheme.lower() == "bearer":
            given.append(value.strip())
        elif scheme.lower() == "basic":
            given.append(_password(value.strip()))
        # In a time that does not depend on how much of it is right. Headers are Latin-1 on the wire.
        are_right = [hmac.compare_digest(text.encode("latin-1", "replace"), self.key) for text in given]
        return any(are_right)


def _password(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).partition(b":")[2].decode("latin-1")
    except (binascii.Error, ValueError):
        return ""
