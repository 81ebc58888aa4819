"""The routes. Each says what it needs and hands the work to a lane; nothing here computes."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Annotated, Any, TypeVar

from fastapi import FastAPI, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import ValidationError

from .classifiers import Shelf
from .examples import Examples
from .http.guard import Guard
from .http.responses import answer_errors, container_answer, json_answer, parameter_refusal
from .http.static_files import PAGE, PageFiles
from .http.unread_bodies import CloseUnread
from .http.uploads import MAX_JSON_BYTES, read_body, read_image_body, read_json
from .inspector import Microscope, new_session, ranking
from .sessions import Session, Sessions, Traces
from .training_events import follow
from .what_if import Edits
from .worker import Lane, milliseconds_since

T = TypeVar("T")
QUICK_SECONDS, SLOW_SECONDS = 30.0, 60.0
MAX_MAPS = 4096
# Attributions need the first; the second is what torch imports when it works on shapes alone.
AHEAD = ("captum.attr", "sympy")

Id = Annotated[str | None, Query(alias="classifier", max_length=300)]
Maps = Annotated[int, Query(ge=0, le=MAX_MAPS)]
Number = Annotated[int, Query(ge=0, le=1_000_000)]
Maybe = Annotated[int | None, Query(ge=0, le=1_000_000)]
Key = Annotated[str, Path(max_length=100)]
Layer = Annotated[str, Path(max_length=300)]


@dataclass
class Service:
    """What the routes share. `quick` answers while somebody draws; `slow` explains, which may take seconds."""

    shelf: Shelf
    quick: Lane
    slow: Lane
    sessions: Sessions = field(default_factory=Sessions)
    examples: Examples = field(default_factory=Examples)
    seconds: tuple[float, float] = (QUICK_SECONDS, SLOW_SECONDS)
    # Set when the service is asked to stop: what would go on for ever ends.
    stopping: Callable[[], bool] = lambda: False
    prepared: bool = False

    def __post_init__(self) -> None:
        traces = Traces()
        self.microscope = Microscope("quick", traces)
        self.explainer = Microscope("slow", Traces())

    def prepare(self) -> None:
        """Somebody has opened the page: import in the background what the first questions would wait for."""
        if not self.prepared:
            self.prepared = True
            threading.Thread(target=_import_ahead, daemon=True).start()

    async def quickly(self, request: Request, compute: Callable[[], T], page: str | None = None) -> T:
        """Compute what must not wait behind an explanation."""
        return await self.quick.run(compute, self.seconds[0], request, page)

    async def patiently(self, request: Request, compute: Callable[[], T]) -> T:
        """Compute what may take a while."""
        return await self.slow.run(compute, self.seconds[1], request)


def _import_ahead() -> None:
    for module in AHEAD:
        with contextlib.suppress(ImportError):
            import_module(module)


def create_app(service: Service, host_names: tuple[str, ...] = ()) -> FastAPI:
    """The whole service as an ASGI application."""
    app = FastAPI(title="ConvScope", docs_url=None, redoc_url=None)
    app.add_middleware(Guard, host_names=host_names)
    app.add_middleware(CloseUnread)  # the last one added is the first to see a request
    answer_errors(app)
    _add_choosing(app, service)
    _add_looking(app, service)
    _add_explaining(app, service)
    _add_predicting(app, service)
    # Not mounted: a mount would take every address, and a wrong method would look like a missing file.
    app.router.default = PageFiles(PAGE)
    return app


def _add_choosing(app: FastAPI, service: Service) -> None:
    shelf = service.shelf

    @app.get("/health")
    async def health() -> Response:
        return json_answer({"status": "ok"})

    @app.get("/api/classifiers")
    async def classifiers(request: Request) -> Response:
        service.prepare()
        entries = await service.quickly(request, lambda: [served.entry() for served in shelf.served.values()])
        return json_answer({"classifiers": entries, "current": shelf.current})

    @app.get("/api/network")
    async def network(request: Request, id: Id = None) -> Response:
        served = shelf.get(id)
        return json_answer(await service.quickly(request, lambda: served.graph))

    @app.get("/api/examples")
    async def examples(request: Request, id: Id = None) -> Response:
        served = shelf.get(id)
        return json_answer({"examples": await service.patiently(request, lambda: service.examples.listing(served))})

    @app.get("/api/examples/{id}/{number}")
    async def example(request: Request, id: Key, number: Annotated[int, Path(ge=0)]) -> Response:
        served = shelf.get(id)
        content, kind = await service.patiently(request, lambda: service.examples.content(served, number))
        return Response(content, media_type=kind, headers={"Cache-Control": "no-cache"})

    @app.get("/api/snapshots")
    async def snapshots(id: Id = None) -> Response:
        kept = shelf.get(id).snapshots
        if kept is None:
            return json_answer({"epochs": [], "metrics": [], "running": False, "finished": True})
        now = {"running": kept.running(), "finished": kept.finished()}
        return json_answer({"epochs": kept.epochs(), "metrics": kept.rows(), **now})

    @app.get("/api/training/live")
    async def live(id: Id = None) -> Response:
        events = follow(shelf.get(id).snapshots, service.stopping)
        return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


def _add_looking(app: FastAPI, service: Service) -> None:
    sessions, microscope = service.sessions, service.microscope

    async def look(request: Request, make: Callable[[], Session], maps: int, page: str | None) -> Response:
        def compute() -> tuple[Session, bytes]:
            session = make()
            return session, microscope.forward(session, maps)

        session, content = await service.quickly(request, compute, page)
        sessions.add(session)
        return container_answer(content)

    @app.post("/api/forward")
    async def forward(request: Request, id: Id = None, maps: Maps = 16, epoch: Maybe = None) -> Response:
        served, page = service.shelf.get(id), _page(request)
        content = await read_image_body(request)
        return await look(request, lambda: new_session(served, epoch, content, page), maps, page)

    @app.patch("/api/what-if/{session}")
    async def what_if(request: Request, session: Key, maps: Maps = 16) -> Response:
        before = sessions.get(session)
        edits = parse_edits(await read_body(request, MAX_JSON_BYTES))
        return await look(request, lambda: before.edited(edits), maps, _page(request))

    @app.get("/api/activations/{session}/{layer:path}")
    async def activations(
        request: Request,
        session: Key,
        layer: Layer,
        maps: Annotated[str, Query(pattern=r"^[0-9]*:[0-9]*$", max_length=20)] = "0:16",
        only: Annotated[str | None, Query(pattern=r"^[0-9]+(,[0-9]+)*$", max_length=20_000)] = None,
    ) -> Response:
        known = sessions.get(session)
        start, end = (int(number) if number else None for number in maps.split(":"))
        wanted = slice(start, end) if only is None else [int(number) for number in only.split(",")]
        return container_answer(await service.quickly(request, lambda: microscope.activations(known, layer, wanted)))

    @app.get("/api/arithmetic/{session}/{layer:path}")
    async def arithmetic(
        request: Request, session: Key, layer: Layer, map: Number = 0, y: Maybe = None, x: Maybe = None
    ) -> Response:
        known = sessions.get(session)
        return json_answer(await service.quickly(request, lambda: microscope.arithmetic(known, layer, map, y, x)))

    @app.get("/api/kernels/{layer:path}")
    async def kernels(
        request: Request, layer: Layer, map: Number = 0, id: Id = None, session: str | None = None
    ) -> Response:
        known = None if session is None else sessions.get(session)
        served = service.shelf.get(id) if known is None else known.served
        return container_answer(await service.quickly(request, lambda: microscope.kernels(served, known, layer, map)))

    @app.get("/api/field/{session}/{layer:path}")
    async def field_of_unit(request: Request, session: Key, layer: Layer, y: Number = 0, x: Number = 0) -> Response:
        known = sessions.get(session)
        return json_answer(await service.quickly(request, lambda: microscope.field(known, layer, y, x)))

    @app.get("/api/seen/{session}")
    async def seen(request: Request, session: Key, row: Number, column: Number) -> Response:
        known = sessions.get(session)
        return json_answer(await service.quickly(request, lambda: microscope.seen(known, row, column)))


def _add_explaining(app: FastAPI, service: Service) -> None:
    sessions, explainer = service.sessions, service.explainer

    @app.get("/api/gradients/{session}")
    async def gradients(request: Request, session: Key, label: Number, maps: Maps = 16) -> Response:
        known = sessions.get(session)
        return container_answer(await service.patiently(request, lambda: explainer.gradients(known, label, maps)))

    @app.get("/api/attribution/{session}")
    async def attribution(
        request: Request,
        session: Key,
        method: Annotated[str, Query(max_length=100)] = "hires-cam",
        layer: Annotated[str | None, Query(max_length=300)] = None,
        label: Maybe = None,
        versus: Maybe = None,
    ) -> Response:
        known = sessions.get(session)
        compute = lambda: explainer.attribution(known, method, label, layer, versus)  # noqa: E731
        return container_answer(await service.patiently(request, compute))


def _add_predicting(app: FastAPI, service: Service) -> None:
    @app.post("/predict")
    async def predict(
        request: Request,
        id: Id = None,
        topk: Annotated[int, Query(ge=1, le=10_000)] = 5,
        format: Annotated[str | None, Query(pattern="^hf$")] = None,
    ) -> Response:
        served = service.shelf.get(id)
        content = await read_image_body(request)
        started = time.perf_counter()

        def compute() -> list[dict[str, Any]]:
            pixels = new_session(served, None, content, None).pixels
            return ranking(served, served.classifier.logits(pixels)[0].softmax(0), topk)

        best = await service.quickly(request, compute)
        if format == "hf":
            return json_answer([{"label": row["label"], "score": row["probability"]} for row in best])
        answer = {"predictions": best, "abstained": False, "model": served.id}
        return json_answer({**answer, "time_ms": milliseconds_since(started)})


def parse_edits(body: bytes) -> Edits:
    """Refusal 400 for what is no JSON, 422 for JSON that says something else."""
    try:
        return Edits.model_validate(read_json(body))
    except ValidationError as problem:
        raise parameter_refusal(problem.errors()) from None


def _page(request: Request) -> str | None:
    """Which page asks: it says so itself, with any random text."""
    return request.headers.get("x-page", "")[:100] or None
