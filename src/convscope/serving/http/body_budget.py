"""The body budget: how much memory the bodies of all requests may take together."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import standard_error

BYTES = 128_000_000
# What each request may have beside it, so that clients with large uploads cannot keep out those with small ones.
FREE_BYTES = 500_000


class BodyBudget:
    """Answers 503 to a request whose body would take more than is left of the budget that all requests share."""

    def __init__(self, app: ASGIApp, limit: int = BYTES):
        self.app, self.limit, self.held = app, limit, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, counting its body until it has been answered."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        received = counted = 0

        async def receive_and_count() -> Message:
            nonlocal received, counted
            message = await receive()
            received += len(message.get("body", b""))
            more = max(received - FREE_BYTES, 0) - counted
            if more > 0:
                if self.held + more > self.limit:
                    raise standard_error(503, {"Retry-After": "2"})
                self.held, counted = self.held + more, counted + more
            return message

        try:
            await self.app(scope, receive_and_count, send)
        finally:
            self.held -= counted
