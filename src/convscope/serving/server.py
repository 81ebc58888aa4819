"""Start the service for a run, handle signals, and shut it down."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

import torch
import uvicorn

from ..devices import choose_device
from ..errors import Interrupted, OutputError, printable
from ..target import Target
from .app import create_app
from .classifiers import Registry
from .http.guard import checked_origin
from .http.slow_clients import TimeoutProtocol
from .service import Service
from .worker import Worker

DEFAULT_PORT = 8000
# How many ports from the wanted one on are tried.
PORTS_TRIED = 100
SHUTDOWN_SECONDS = 7
# How long idle connections are still read from at shutdown: a request may be on its way.
IDLE_READ_SECONDS = 0.3
ALL_INTERFACES = ("0.0.0.0", "::")
EXIT_CODES: dict[int, int] = {signal.SIGINT: 130, signal.SIGTERM: 143}


def serve(
    targets: Sequence[str | Target] = (),
    host: str = "127.0.0.1",
    port: int | None = None,
    device: str = "auto",
    open_browser: bool = False,
    echo: Callable[[str], None] = print,
    allow_frame: Sequence[str] = (),
) -> None:
    """Serve until a signal arrives, then finish open requests and raise Interrupted with the signal's exit code.

    Without `targets`, only the bundled classifiers are served. Without a `port`, it is 8000 or the next free one;
    OutputError names a free port if the given `port` is taken. `echo` prints the address.
    Pages of the origins `allow_frame` may show the service in a frame.
    """
    frame_origins = tuple(map(checked_origin, allow_frame))
    listening = listen(host, port)
    registry = Registry(targets, choose_device(device))
    quick, slow = Worker("quick"), Worker("slow", threads=max(torch.get_num_threads() // 2, 1))
    service = Service(registry, quick, slow)
    own_name = socket.gethostname()
    host_names = (host, own_name, f"{own_name}.local") if host in ALL_INTERFACES else (host,)
    server = _Server(service, host_names, frame_origins)
    service.stopping = lambda: server.should_exit
    url = address_of(listening)
    echo(f"{', '.join(list(registry.by_id)[: max(len(targets), 1)])} at {url}")
    echo("press Ctrl-C to stop")
    if host in ALL_INTERFACES:
        logging.getLogger(__name__).warning("--host %s: anyone who can reach this machine can use the service", host)
    if open_browser:
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
    try:
        server.run(sockets=[listening])
    finally:
        have_ended = [worker.close() for worker in (quick, slow)]
    if not all(have_ended):  # one is still in a layer; ending the interpreter under it would crash
        sys.stdout.flush()
        os._exit(server.exit_code)
    if server.exit_code:
        raise Interrupted("stopped", server.exit_code)


def listen(host: str, port: int | None) -> socket.socket:
    """Return a listening socket; OutputError if the address does not exist or is in use."""
    wanted = DEFAULT_PORT if port is None else port
    try:
        family, _, _, _, address = socket.getaddrinfo(host, wanted, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError, OverflowError) as problem:
        raise OutputError(f"--host {printable(host)}: no such address ({problem})") from problem
    for number in range(wanted, min(wanted + PORTS_TRIED, 65_536)):
        try:
            listening = _bind(family, (host, number, *address[2:]))
        except OSError as problem:
            if number == wanted and not _is_taken(host, family, address):
                raise OutputError(f"cannot listen on {printable(host)}:{wanted}: {problem.strerror}") from problem
            continue
        if port is None or number == wanted:
            return listening
        listening.close()
        raise OutputError(
            f"{printable(host)}:{wanted} is in use by another program: try --port {number}, which is free"
        )
    raise OutputError(f"no free port from {wanted} on at {printable(host)}: give another --port")


def address_of(listening: socket.socket) -> str:
    """Return the URL of a listening socket."""
    host, port = listening.getsockname()[:2]
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{name}:{port}"


def _bind(family: int, address: tuple[object, ...]) -> socket.socket:
    # The protocol is named because asyncio disables Nagle's algorithm, a delay of 40 ms, only on sockets that name it.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere this option lets two programs share a port
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(2048)
    except BaseException:
        bound.close()
        raise
    return bound


def _is_taken(host: str, family: int, address: tuple[object, ...]) -> bool:
    """Return whether only this port of the address cannot be bound, while others can."""
    try:
        _bind(family, (host, 0, *address[2:])).close()
    except OSError:
        return False
    return int(str(address[1])) >= 1024


def _accept_all(listening: socket.socket) -> Iterator[socket.socket]:
    """Yield clients in the backlog, whom closing the listening socket would disconnect."""
    with contextlib.suppress(OSError):
        while True:
            client, _ = listening.accept()
            client.setblocking(False)
            yield client


class _Server(uvicorn.Server):
    """uvicorn's server with timeouts, which keeps the exit code of the signal that stopped it."""

    def __init__(self, service: Service, host_names: tuple[str, ...], frame_origins: tuple[str, ...]):
        logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
        config = uvicorn.Config(
            create_app(service, host_names, frame_origins),
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

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept the backlog, announce with every response that it is the last, then close idle connections."""
        self.server_state.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
        waiting = [client for listening in sockets or [] for client in _accept_all(listening)]
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
