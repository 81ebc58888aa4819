"""The address that the service listens on."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator

from ..errors import OutputError, printable

DEFAULT_PORT = 8000
# How many ports from the wanted one on are tried.
PORTS_TRIED = 100
ALL_INTERFACES = ("0.0.0.0", "::")


def listen(host: str, port: int | None) -> socket.socket:
    """Return a listening socket; OutputError if the address does not exist or is in use."""
    wanted = DEFAULT_PORT if port is None else port
    if host.startswith("[") and host.endswith("]"):  # as an address of IPv6 stands in a URL
        host = host[1:-1]
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


def accept_all(listening: socket.socket) -> Iterator[socket.socket]:
    """Yield clients in the backlog, whom closing the listening socket would disconnect."""
    with contextlib.suppress(OSError):
        while True:
            client, _ = listening.accept()
            client.setblocking(False)
            yield client
