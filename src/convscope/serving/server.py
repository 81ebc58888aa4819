"""Start the service for a run, handle signals, and shut it down."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from collections.abc import Callable, Sequence

import torch

from ..devices import choose_device
from ..errors import Interrupted
from ..target import Target
from .app import create_app
from .classifiers import Registry
from .http.json_log import log_as_json
from .http_server import HttpServer
from .listening import address_of, listen
from .options import ServeOptions
from .service import Service
from .worker import Worker


def serve(
    targets: Sequence[str | Target] = (),
    options: ServeOptions | None = None,
    echo: Callable[[str], None] = print,
) -> None:
    """Serve the page and the API until a signal arrives, then finish open requests and raise Interrupted.

    Without `targets`, only the bundled classifiers are served. Without a port, it is 8000 or the next free one;
    OutputError names a free port if the given one is taken. `echo` prints the address. Interrupted has the signal's
    exit code.
    """
    options = options or ServeOptions()
    access = options.access()
    listening = listen(options.host, options.port)
    registry = Registry(targets, choose_device(options.device))
    quick, slow = Worker("quick"), Worker("slow", threads=max(torch.get_num_threads() // 2, 1))
    service = Service(registry, quick, slow, limits=options.limits, train_seconds=options.train_seconds)
    server = HttpServer(create_app(service, access), service.hosting.reload)
    service.stopping = lambda: server.should_exit
    url = address_of(listening) + access.prefix + ("/" if access.prefix else "")
    echo(f"{', '.join(list(registry.by_id)[: max(len(targets), 1)])} at {url}")
    echo("press Ctrl-C to stop")
    options.warn()
    if options.log_format == "json":
        log_as_json()
    if options.open_browser:
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
    try:
        server.run(sockets=[listening])
    finally:
        service.trainings.close()
        have_ended = [worker.close() for worker in (quick, slow, service.hosting)]
    if not all(have_ended):  # one is still in a layer; ending the interpreter under it would crash
        sys.stdout.flush()
        os._exit(server.exit_code)
    if server.exit_code:
        raise Interrupted("stopped", server.exit_code)
