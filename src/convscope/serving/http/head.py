"""HEAD: what a GET would answer, without its body. FastAPI's routes answer GET alone; load balancers ask with HEAD."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadAsGet:
    """Answers HEAD wherever GET is answered, with the same status and headers."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        answered = asyncio.Event()

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b""})
                answered.set()

        asked = {**scope, "method": "GET"}
        work = asyncio.ensure_future(self.app(asked, receive, send_head))
        waiting = asyncio.create_task(answered.wait())
        try:
            await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            if answered.is_set():  # a stream of events would go on
                work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work
            if "route" in asked:  # for the metrics
                scope["route"] = asked["route"]
