"""The HTTP server: timeouts, a graceful end, and the signals that end it or read its classifiers again."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from .http.slow_clients import TimeoutProtocol
from .listening import accept_all

SHUTDOWN_SECONDS = 7
# How long idle connections are still read from at shutdown: a request may be on its way.
IDLE_READ_SECONDS = 0.3
EXIT_CODES: dict[int, int] = {signal.SIGINT: 130, signal.SIGTERM: 143}


class HttpServer(uvicorn.Server):
    """uvicorn's server with timeouts, which keeps the exit code of the signal that stopped it.

    `reload` is run on SIGHUP, where that exists.
    """

    def __init__(self, app: ASGIApp, reload: Callable[[], Coroutine[Any, Any, Any]]):
        logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
        config = uvicorn.Config(
            app,
            http=TimeoutProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
        super().__init__(config)
        self.exit_code = 0
        self.reload, self.had_terminal = reload, os.isatty(0)
        self.reloading: asyncio.Task[Any] | None = None
        self.hung_up = False
        if _takes_hang_up():  # until there is an event loop
            signal.signal(signal.SIGHUP, self._note_hang_up)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept the backlog, announce with every response that it is the last, then close idle connections."""
        self.server_state.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
        waiting = [client for listening in sockets or [] for client in accept_all(listening)]
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        for client in waiting:
            await loop.connect_accepted_socket(self._protocol, client)
        await asyncio.sleep(IDLE_READ_SECONDS)
        await super().shutdown(sockets)

    def _protocol(self) -> TimeoutProtocol:
        return TimeoutProtocol(self.config, self.server_state, self.lifespan.state)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Finish open requests on the first signal; on the second, stop at once."""
        if self.should_exit:
            self.force_exit = True
        self.should_exit, self.exit_code = True, EXIT_CODES.get(sig, 1)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, also to SIGHUP."""
        if _takes_hang_up():
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._hang_up)
            if self.hung_up:
                self._hang_up()
        await super().startup(sockets)

    def _note_hang_up(self, sig: int, frame: FrameType | None) -> None:
        self.hung_up = True

    def _hang_up(self) -> None:
        """Read the classifiers again; end if the signal says that the terminal was closed."""
        if self.had_terminal and not os.isatty(0):
            self.handle_exit(signal.SIGTERM, None)
        else:
            self.reloading = asyncio.ensure_future(self.reload())


def _takes_hang_up() -> bool:
    return hasattr(signal, "SIGHUP") and threading.current_thread() is threading.main_thread()
