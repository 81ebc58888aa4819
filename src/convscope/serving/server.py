"""From a run to a running service: the port, the lanes, the signals, the end."""

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
from collections.abc import Callable, Iterator
from types import FrameType

import torch
import uvicorn

from ..devices import choose_device
from ..errors import Interrupted, OutputError, printable
from .app import Service, create_app
from .classifiers import Shelf
from .http.slow_clients import ImpatientProtocol
from .worker import Lane

DEFAULT_PORT = 8000
# How many ports are tried beyond the one that is taken.
PORTS_TRIED = 100
DRAIN_SECONDS = 7
# How long idle connections are still read from at the end: a request may be on its way.
LAST_CALL_SECONDS = 0.3
ANYWHERE = ("0.0.0.0", "::")
EXIT_CODES: dict[int, int] = {signal.SIGINT: 130, signal.SIGTERM: 143}


def serve(
    run: str | None = None,
    host: str = "127.0.0.1",
    port: int | None = None,
    device: str = "auto",
    open_browser: bool = False,
    say: Callable[[str], None] = print,
) -> None:
    """Serve until a signal comes, then answer what is in flight and raise Interrupted with the signal's exit code.

    Without a `run`, the bundled classifiers alone. Without a `port`, 8000 or the next one that is free; OutputError
    names a free one if the `port` that was asked for is taken.
    """
    listening = listen(host, port)
    shelf = Shelf(run, choose_device(device))
    quick, slow = Lane("quick"), Lane("slow", threads=max(torch.get_num_threads() // 2, 1))
    service = Service(shelf, quick, slow)
    own_name = socket.gethostname()
    server = _Server(service, (host, own_name, f"{own_name}.local") if host in ANYWHERE else (host,))
    service.stopping = lambda: server.should_exit
    url = address_of(listening)
    say(f"{shelf.current} at {url}")
    say("Ctrl-C stops it")
    if host in ANYWHERE:
        logging.getLogger(__name__).warning("everybody who can reach this machine over the network can use it")
    if open_browser:
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
    try:
        server.run(sockets=[listening])
    finally:
        ended = [lane.close() for lane in (quick, slow)]
    if not all(ended):  # a layer that still computes; the interpreter must not be taken away under it
        sys.stdout.flush()
        os._exit(server.exit_code)
    if server.exit_code:
        raise Interrupted("stopped", server.exit_code)


def listen(host: str, port: int | None) -> socket.socket:
    """A listening socket; OutputError if the address cannot be had."""
    wanted = DEFAULT_PORT if port is None else port
    try:
        family, _, _, _, address = socket.getaddrinfo(host, wanted, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError, OverflowError) as problem:
        raise OutputError(f"--host {printable(host)}: no such address ({problem})") from problem
    for number in range(wanted, min(wanted + PORTS_TRIED, 65_536)):
        try:
            found = _bind(family, (host, number, *address[2:]))
        except OSError as problem:
            if number == wanted and not _is_taken(host, family, address):
                raise OutputError(f"cannot listen on {printable(host)}:{wanted}: {problem.strerror}") from problem
            continue
        if port is None or number == wanted:
            return found
        found.close()
        raise OutputError(
            f"{printable(host)}:{wanted} is in use by another program: try --port {number}, which is free"
        )
    raise OutputError(f"no free port from {wanted} on at {printable(host)}: give another --port")


def address_of(listening: socket.socket) -> str:
    """What to type into a browser."""
    host, port = listening.getsockname()[:2]
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{name}:{port}"


def _bind(family: int, address: tuple[object, ...]) -> socket.socket:
    # The protocol is named because asyncio only then sends small packets at once, instead of 40 ms later.
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere it would let two programs have the same port
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(2048)
    except BaseException:
        found.close()
        raise
    return found


def _is_taken(host: str, family: int, address: tuple[object, ...]) -> bool:
    """Whether the address as such is good: another port of it can be had."""
    try:
        _bind(family, (host, 0, *address[2:])).close()
    except OSError:
        return False
    return int(str(address[1])) >= 1024


def _accept_all(listening: socket.socket) -> Iterator[socket.socket]:
    """Those who are connected but were not seen yet; closing the listening socket would cut them off."""
    with contextlib.suppress(OSError):
        while True:
            client, _ = listening.accept()
            client.setblocking(False)
            yield client


class _Server(uvicorn.Server):
    """uvicorn's, with our connections; it notes the signal that stopped it instead of raising it once more."""

    def __init__(self, service: Service, host_names: tuple[str, ...]):
        logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
        config = uvicorn.Config(
            create_app(service, host_names),
            http=ImpatientProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
        super().__init__(config)
        self.exit_code = 0

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take whoever has connected, say with every answer that it is the last, then close what is idle."""
        self.server_state.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
        waiting = [client for listening in sockets or [] for client in _accept_all(listening)]
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        for client in waiting:
            await loop.connect_accepted_socket(self._protocol, client)
        await asyncio.sleep(LAST_CALL_SECONDS)
        await super().shutdown(sockets)

    def _protocol(self) -> ImpatientProtocol:
        return ImpatientProtocol(self.config, self.server_state, self.lifespan.state)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Finish what is in flight; a second signal does not wait for it."""
        if self.should_exit:
            self.force_exit = True
        self.should_exit, self.exit_code = True, EXIT_CODES.get(sig, 1)
