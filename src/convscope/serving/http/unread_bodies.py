"""Unread bodies: responses to requests whose body was not read, since it was too long, of a wrong type or forbidden."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# How much of the body is still received and discarded after the response: a client whose connection is closed while it
# writes may never read the response, and one that never stops sending must be closed.
SECONDS, BYTES = 1.0, 8_000_000


class CloseUnreadBody:
    """Closes the connection after the response to a request whose body was not read, once the client has read it."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request and note whether its body is read to the end."""
        if scope["type"] != "http" or not _has_body(Headers(scope=scope)):
            await self.app(scope, receive, send)
            return
        unread = True

        async def receive_and_note() -> Message:
            nonlocal unread
            message = await receive()
            if message["type"] != "http.request" or not message.get("more_body"):
                unread = False
            return message

        async def send_and_close(message: Message) -> None:
            if not unread:
                await send(message)
            elif message["type"] == "http.response.start":
                MutableHeaders(scope=message)["connection"] = "close"
                await send(message)
            elif message.get("more_body"):
                await send(message)
            else:
                await send({**message, "more_body": True})
                await _discard_rest(receive)
                await send({"type": "http.response.body", "body": b""})

        await self.app(scope, receive_and_note, send_and_close)


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


async def _discard_rest(receive: Receive) -> None:
    async def discard() -> None:
        left = BYTES
        while left > 0:
            message = await receive()
            left -= len(message.get("body", b""))
            if message["type"] != "http.request" or not message.get("more_body"):
                return

    try:
        await asyncio.wait_for(discard(), SECONDS)
    except asyncio.TimeoutError:
        return
