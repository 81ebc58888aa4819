"""Who may use the service, and from where: the middleware that every request goes through."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from .api_key import RequireApiKey
from .body_budget import BodyBudget
from .guard import AccessGuard
from .head import HeadAsGet
from .prefix import PathPrefix
from .request_log import Observe, RequestLog
from .unread_bodies import CloseUnreadBody

# What a page of another origin may send, and read of an answer.
SENT = ["Authorization", "Content-Type", "X-API-Key", "X-Request-ID", "Inference-Header-Content-Length"]
READ = ["X-Request-ID", "Retry-After", "Inference-Header-Content-Length"]


@dataclass(frozen=True)
class Access:
    """The names that the service answers to, the pages that may use it, its key and its path prefix."""

    host_names: tuple[str, ...] = ()
    proxy_names: tuple[str, ...] = ()
    frame_origins: tuple[str, ...] = ()
    page_origins: tuple[str, ...] = ()
    api_key: str | None = None
    prefix: str = ""


def add_middleware(app: FastAPI, access: Access, observe: Observe) -> None:
    """Put everything that every request goes through in front of an application; the last one added is the first."""
    app.add_middleware(HeadAsGet)
    app.add_middleware(BodyBudget)
    if access.api_key is not None:
        app.add_middleware(RequireApiKey, key=access.api_key)
    if access.page_origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=list(access.page_origins), allow_methods=["GET", "POST"],
            allow_headers=SENT, expose_headers=READ, max_age=600,
        )  # fmt: skip
    app.add_middleware(
        AccessGuard, host_names=access.host_names, frame_origins=access.frame_origins,
        page_origins=access.page_origins, proxy_names=access.proxy_names,
    )  # fmt: skip
    app.add_middleware(CloseUnreadBody)
    app.add_middleware(RequestLog, observe=observe)
    if access.prefix:
        app.add_middleware(PathPrefix, prefix=access.prefix)
