"""The options of `convscope serve`, checked."""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..errors import UsageError
from .api.hosting import Limits
from .http.access import Access
from .http.guard import checked_host_name, checked_origin
from .http.prefix import checked_prefix
from .listening import ALL_INTERFACES


@dataclass(frozen=True)
class ServeOptions:
    """Where the service listens, who may use it, how much it takes at once, and how it runs."""

    host: str = "127.0.0.1"
    port: int | None = None
    device: str = "auto"
    open_browser: bool = False
    allow_frame: Sequence[str] = ()
    allow_host: Sequence[str] = ()
    cors_origin: Sequence[str] = ()
    api_key: str | None = None
    root_path: str = ""
    limits: Limits = field(default_factory=Limits)
    log_format: str = "text"
    workers: int = 1
    train_seconds: int = 0

    def access(self) -> Access:
        """Return who may use the service; UsageError if an option about that makes no sense."""
        if self.api_key is not None and not (self.api_key.isascii() and self.api_key.isprintable() and self.api_key):
            raise UsageError("--api-key: give letters, digits and signs without line breaks, or leave it out")
        own_name = socket.gethostname()
        everywhere = self.host in ALL_INTERFACES
        return Access(
            (self.host, own_name, f"{own_name}.local") if everywhere else (self.host,),
            tuple(map(checked_host_name, self.allow_host)),
            tuple(checked_origin(origin, "--allow-frame") for origin in self.allow_frame),
            tuple(checked_origin(origin, "--cors-origin") for origin in self.cors_origin),
            self.api_key,
            checked_prefix(self.root_path),
        )

    def warn(self) -> None:
        """Say who can use the service, if that is everybody."""
        if self.host in ALL_INTERFACES and self.api_key is None:
            logging.getLogger(__name__).warning(
                "--host %s: anyone who can reach this machine can use the service (--api-key KEY asks for a key)",
                self.host,
            )
