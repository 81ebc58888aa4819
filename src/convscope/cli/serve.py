"""`convscope serve`."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any

import typer

from ..errors import UsageError, printable
from ..training.recipe.declaration import seconds
from .output import say
from .parameters import Device
from .target_options import Target, with_target_options

MOST_TRAIN_SECONDS = 3600


class LogFormat(str, Enum):
    """How the log is written."""

    text = "text"
    json = "json"


def _option(help: str, metavar: str | None = None, panel: str | None = None, **more: Any) -> Any:
    """Return an option; without a panel it joins that of the option before it in `--help`."""
    return typer.Option(help=help, metavar=metavar, rich_help_panel=panel, **more)


Host = Annotated[
    str, _option("Address to listen on. 0.0.0.0 lets other machines on the network connect.", "ADDRESS", "Address")
]
Port = Annotated[int | None, _option("Port to listen on. Default: 8000, or the next free one.", "N", min=0, max=65_535)]
RootPath = Annotated[
    str,
    _option("Path prefix under which a proxy serves this, such as /models; the proxy may keep or remove it.", "PATH"),
]
AllowHost = Annotated[
    list[str] | None,
    _option("Host name under which a proxy serves this, such as models.example.org. Can be repeated.", "NAME"),
]
ApiKey = Annotated[
    str | None,
    _option(
        "Answer only requests with this key, as Authorization: Bearer KEY or X-API-Key: KEY; a browser asks for it "
        "as a password. Given in the environment, other users of this machine cannot see it.",
        "KEY",
        "Access",
        envvar="CONVSCOPE_API_KEY",
    ),
]
CorsOrigin = Annotated[
    list[str] | None,
    _option("Origin of a web page that may send requests, such as https://app.example.org. Can be repeated.", "ORIGIN"),
]
AllowFrame = Annotated[
    list[str] | None,
    _option(
        "Origin of a page that may show this one in a frame, such as http://localhost:8888. Can be repeated. Default: "
        "none may.",
        "ORIGIN",
    ),
]
MaxBatch = Annotated[int, _option("Most images that go through the network at once.", "N", "Load", min=1, max=1024)]
Queue = Annotated[
    int,
    _option("Most images that may wait; further requests get 503 and Retry-After.", "N", min=1, max=100_000),
]
Deadline = Annotated[
    float, _option("Seconds after which a request gets 504, waiting included.", "SECONDS", min=0.1, max=3600)
]
Train = Annotated[
    str | None,
    _option(
        "Let visitors of the page train small networks on this machine, one at a time, each for at most this time, "
        "such as 60s or 5m. Default: no training.",
        "TIME", "Training",
    ),
]  # fmt: skip
Log = Annotated[LogFormat, _option("text: warnings and errors. json: one object per line, for each request too.")]
Api = Annotated[
    bool,
    typer.Option(
        "--api",
        help="Serve the API without the page, and without torch if the classifiers were exported.",
        rich_help_panel="Running",
    ),
]
Workers = Annotated[
    int,
    _option("Processes that answer, each with its own copy of the classifiers; needs --api.", "N", min=1, max=256),
]
Open = Annotated[bool, typer.Option("--open", help="Open the page in the browser.")]


@with_target_options
def serve_command(
    targets: list[Target],
    host: Host = "127.0.0.1",
    port: Port = None,
    root_path: RootPath = "",
    allow_host: AllowHost = None,
    api_key: ApiKey = None,
    cors_origin: CorsOrigin = None,
    allow_frame: AllowFrame = None,
    max_batch: MaxBatch = 32,
    queue: Queue = 256,
    deadline: Deadline = 30.0,
    train: Train = None,
    api: Api = False,
    workers: Workers = 1,
    log_format: Log = LogFormat.text,
    device: Device = "auto",
    open: Open = False,
) -> None:
    """Serve the page that shows a network at work, and an HTTP API."""
    if workers > 1 and not api:
        raise UsageError("--workers: the page keeps pictures in the memory of one process: add --api, or leave it out")
    if api and (open or train):
        raise UsageError(f"--api leaves out the page: leave {'--open' if open else '--train'} out")
    from ..serving.api.hosting import Limits
    from ..serving.options import ServeOptions

    options = ServeOptions(
        host, port, device, open, allow_frame or [], allow_host or [], cors_origin or [], api_key, root_path,
        Limits(max_batch, queue, deadline), log_format.value, workers, _train_seconds(train),
    )  # fmt: skip
    if api:
        from ..serving.api_server import serve_api

        serve_api(targets, options, say)
    else:
        from ..serving.server import serve

        serve(targets, options, say)


def _train_seconds(train: str | None) -> int:
    """Return how long a training on the page may take, at least a second; 0 where readers may not train."""
    if train is None:
        return 0
    limit = seconds("--train", train)
    if limit > MOST_TRAIN_SECONDS:
        raise UsageError(f"--train {printable(train)}: give at most 1h; `convscope train` takes longer trainings")
    return max(1, round(limit))
