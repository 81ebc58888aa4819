"""Access guard: answer this machine's own page and programs, not a foreign web page in the same browser."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...errors import UsageError, printable
from .errors import HttpError
from .json_bytes import to_json
from .prefix import wants_plain_errors

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors "
)
# What may be a page with a frame: no path, and no star that would stand for others.
ORIGIN = re.compile(r"(?:https?|vscode-webview)://(?:[a-z0-9._-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")
HOST_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_.-]{0,250}[a-z0-9])?(?::[0-9]{1,5})?")
HEADERS = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class AccessGuard:
    """Rejects with 403, before its body is read, any request that a foreign page may have sent; adds security headers.

    A request must name this machine in its Host header (against DNS rebinding, where a foreign name resolves to this
    machine), and one that is not a read must come from no page, from the service's own (its Origin header) or from one
    of `page_origins`. `proxy_names` are those by which a proxy shows the service, with the port if it is no usual one.
    Only pages of `frame_origins` may show the service in a frame.
    """

    def __init__(
        self,
        app: ASGIApp,
        host_names: Collection[str] = (),
        frame_origins: Collection[str] = (),
        page_origins: Collection[str] = (),
        proxy_names: Collection[str] = (),
    ):
        names = [name.lower() for name in host_names] + [name.partition(":")[0] for name in proxy_names]
        self.app, self.host_names = app, {"localhost", *names}
        self.page_origins, self.proxy_names = set(page_origins), set(proxy_names)
        headers = HEADERS | {"Content-Security-Policy": POLICY + (" ".join(frame_origins) or "'none'")}
        self.headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, or answer 403."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in self.headers if pair[0] not in given)]
            await send(message)

        error = self._error(scope["method"], Headers(scope=scope))
        if error is None:
            await self.app(scope, receive, send_with_headers)
        else:
            await send_error(error, scope, send_with_headers)

    def _error(self, method: str, headers: Headers) -> HttpError | None:
        """Return the reason to reject a request, None if it may pass."""
        host, *others = headers.getlist("host") or [""]
        if others:  # whoever stands between may have taken the other one
            return HttpError(
                400, "the request has several Host headers: send one", "请求包含多个 Host 头，请只发送一个"
            )
        if not self._is_allowed_host(host):
            return HttpError(
                403,
                f"this service does not answer to the host name '{host[:100]}': open it by its address, or start it "
                "with --allow-host",
                f"本服务不接受主机名“{host[:100]}”，请改用 IP 地址访问，或在启动时指定 --allow-host",
            )
        if method in SAFE_METHODS:
            return None
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if origin is not None and origin.lower() in self.page_origins:
            return None
        is_foreign = origin is not None and not self._is_own(origin, host)
        if is_foreign or site in ("cross-site", "same-site"):
            return HttpError(
                403,
                "requests from another web page are not accepted: use the page of this service",
                "不接受来自其他网页的请求，请使用本服务自带的页面",
            )
        return None

    def _is_own(self, origin: str, host: str) -> bool:
        """Return whether pages of an origin are the service's own, seen directly or through a proxy."""
        try:
            name = urlsplit(origin).netloc.lower()
        except ValueError:
            return False
        return name == host.lower() or name in self.proxy_names

    def _is_allowed_host(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in self.host_names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True  # a plain address cannot be made to resolve to another machine


def checked_origin(text: str, flag: str = "--allow-frame") -> str:
    """Return the origin of pages that may do more than others; UsageError if the text is none."""
    origin = text.strip().lower().removesuffix("/")
    if not ORIGIN.fullmatch(origin):
        raise UsageError(f"{flag} {printable(text)}: give the origin of the page, such as http://localhost:8888")
    return origin


def checked_host_name(text: str) -> str:
    """Return the name by which a proxy shows the service; UsageError if the text is none."""
    name = text.strip().lower()
    if not HOST_NAME.fullmatch(name):
        raise UsageError(f"--allow-host {printable(text)}: give a host name, such as models.example.org")
    return name


async def send_error(error: HttpError, scope: Scope, send: Send) -> None:
    """Send an error as a complete response."""
    body = to_json(error.body(wants_plain_errors(scope)))
    headers = {"content-type": "application/json", "content-length": str(len(body)), **error.headers}
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": error.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
