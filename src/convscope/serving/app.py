"""The routes of the HTTP API. Each checks its parameters and passes the work to a worker; nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import FastAPI, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import ValidationError

from .api.app import create_api
from .api.predict import ClassifierId
from .http.access import Access
from .http.binary_response import binary_response
from .http.image_bodies import read_image_body
from .http.responses import json_response, parameter_error
from .http.static_files import PAGE, PageFiles
from .http.uploads import MAX_JSON_BYTES, read_body, read_json
from .inspector import new_session
from .page_trainings import TrainingWish
from .service import Service
from .sessions import Session
from .training_events import training_events
from .what_if import WhatIf

MAX_MAPS = 4096

Maps = Annotated[int, Query(ge=0, le=MAX_MAPS)]
Number = Annotated[int, Query(ge=0, le=1_000_000)]
OptionalNumber = Annotated[int | None, Query(ge=0, le=1_000_000)]
Key = Annotated[str, Path(max_length=100)]
Layer = Annotated[str, Path(max_length=300)]


def create_app(service: Service, access: Access | None = None) -> FastAPI:
    """Return the service as an ASGI application: the API, the page, and what the page asks."""
    app = create_api(service.hosting, access, has_page=True)
    _add_classifier_routes(app, service)
    _add_snapshot_routes(app, service)
    _add_training_routes(app, service)
    _add_session_routes(app, service)
    _add_layer_routes(app, service)
    _add_explanation_routes(app, service)
    # The fallback of the router, not a mount: a mount would match every address and answer a wrong method with 404.
    app.router.default = PageFiles(PAGE)
    return app


def _add_classifier_routes(app: FastAPI, service: Service) -> None:
    registry = service.registry

    @app.get("/api/classifiers", include_in_schema=False)
    async def classifiers(request: Request) -> Response:
        service.import_ahead()
        entries = await service.run_quick(request, lambda: [served.entry() for served in registry.by_id.values()])
        return json_response({"classifiers": entries, "current": registry.current})

    @app.get("/api/network", include_in_schema=False)
    async def network(request: Request, id: ClassifierId = None) -> Response:
        served = registry.get(id)
        return json_response(await service.run_quick(request, lambda: served.graph))

    @app.get("/api/examples", include_in_schema=False)
    async def examples(request: Request, id: ClassifierId = None) -> Response:
        served = registry.get(id)
        return json_response(await service.run_slow(request, lambda: service.examples.listing(served)))

    @app.get("/api/examples/{id}/{number}", include_in_schema=False)
    async def example(request: Request, id: Key, number: Annotated[int, Path(ge=0)]) -> Response:
        served = registry.get(id)
        content, kind = await service.run_slow(request, lambda: service.examples.content(served, number))
        return Response(content, media_type=kind, headers={"Cache-Control": "no-cache"})


def _add_snapshot_routes(app: FastAPI, service: Service) -> None:
    @app.get("/api/snapshots", include_in_schema=False)
    async def snapshots(id: ClassifierId = None) -> Response:
        served = service.registry.get(id)
        run = served.run_folder
        state = {"running": run is not None and run.is_running(), "finished": run is None or run.is_finished()}
        planned = None if run is None else run.read_recipe().get("epochs")
        return json_response({"epochs": served.epochs(), "metrics": served.metrics(), "planned": planned, **state})

    @app.get("/api/training/live", include_in_schema=False)
    async def live(id: ClassifierId = None) -> Response:
        events = training_events(service.registry.get(id).run_folder, service.stopping)
        return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


def _add_training_routes(app: FastAPI, service: Service) -> None:
    trainings = service.trainings

    @app.get("/api/training", include_in_schema=False)
    async def offer() -> Response:
        return json_response(trainings.offer())

    @app.post("/api/training", include_in_schema=False)
    async def start(request: Request) -> Response:
        body = await read_body(request, MAX_JSON_BYTES)
        try:
            wish = TrainingWish.model_validate(read_json(body))
        except ValidationError as problem:
            raise parameter_error(problem.errors()) from None
        return json_response({"id": await trainings.start(wish, service.stopping)})


def _add_session_routes(app: FastAPI, service: Service) -> None:
    sessions, inspector = service.sessions, service.inspector

    async def forward_session(
        request: Request, make_session: Callable[[], Session], maps: int, page: str | None
    ) -> Response:
        def compute() -> tuple[Session, bytes]:
            session = make_session()
            return session, inspector.forward(session, maps)

        session, content = await service.run_quick(request, compute, page)
        sessions.add(session)
        return binary_response(content)

    @app.post("/api/forward", include_in_schema=False)
    async def forward(
        request: Request, id: ClassifierId = None, maps: Maps = 16, epoch: OptionalNumber = None
    ) -> Response:
        served, page = service.registry.get(id), _page_id(request)
        content = await read_image_body(request)
        return await forward_session(request, lambda: new_session(served, epoch, content, page), maps, page)

    @app.patch("/api/what-if/{session}", include_in_schema=False)
    async def change(request: Request, session: Key, maps: Maps = 16) -> Response:
        before = sessions.get(session)
        what_if = parse_what_if(await read_body(request, MAX_JSON_BYTES))
        return await forward_session(request, lambda: before.with_what_if(what_if), maps, _page_id(request))

    @app.get("/api/seen/{session}", include_in_schema=False)
    async def seen(request: Request, session: Key, row: Number, column: Number) -> Response:
        known = sessions.get(session)
        return json_response(await service.run_quick(request, lambda: inspector.seen(known, row, column)))


def _add_layer_routes(app: FastAPI, service: Service) -> None:
    sessions, inspector = service.sessions, service.inspector

    @app.get("/api/activations/{session}/{layer:path}", include_in_schema=False)
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
        return binary_response(await service.run_quick(request, lambda: inspector.activations(known, layer, wanted)))

    @app.get("/api/arithmetic/{session}/{layer:path}", include_in_schema=False)
    async def arithmetic(
        request: Request, session: Key, layer: Layer, map: Number = 0, y: OptionalNumber = None,
        x: OptionalNumber = None,
    ) -> Response:  # fmt: skip
        known = sessions.get(session)
        return json_response(await service.run_quick(request, lambda: inspector.arithmetic(known, layer, map, y, x)))

    @app.get("/api/kernels/{layer:path}", include_in_schema=False)
    async def kernels(
        request: Request, layer: Layer, map: Number = 0, id: ClassifierId = None, session: str | None = None
    ) -> Response:
        known = None if session is None else sessions.get(session)
        served = service.registry.get(id) if known is None else known.served
        return binary_response(await service.run_quick(request, lambda: inspector.kernels(served, known, layer, map)))

    @app.get("/api/health/{session}", include_in_schema=False)
    async def health(request: Request, session: Key) -> Response:
        known = sessions.get(session)
        return json_response(await service.run_quick(request, lambda: inspector.health(known)))

    @app.get("/api/field/{session}/{layer:path}", include_in_schema=False)
    async def field_of_unit(request: Request, session: Key, layer: Layer, y: Number = 0, x: Number = 0) -> Response:
        known = sessions.get(session)
        return json_response(await service.run_quick(request, lambda: inspector.field(known, layer, y, x)))


def _add_explanation_routes(app: FastAPI, service: Service) -> None:
    sessions, explainer = service.sessions, service.explainer

    @app.get("/api/methods", include_in_schema=False)
    async def methods(request: Request, id: ClassifierId = None) -> Response:
        served = service.registry.get(id)
        return json_response({"measured": await service.run_slow(request, lambda: service.measured_methods(served))})

    @app.get("/api/gradients/{session}", include_in_schema=False)
    async def gradients(request: Request, session: Key, label: Number, maps: Maps = 16) -> Response:
        known = sessions.get(session)
        return binary_response(await service.run_slow(request, lambda: explainer.gradients(known, label, maps)))

    @app.get("/api/attribution/{session}", include_in_schema=False)
    async def attribution(
        request: Request,
        session: Key,
        method: Annotated[str, Query(max_length=100)] = "hires-cam",
        layer: Annotated[str | None, Query(max_length=300)] = None,
        label: OptionalNumber = None,
        versus: OptionalNumber = None,
    ) -> Response:
        known = sessions.get(session)
        compute = lambda: explainer.attribution(known, method, label, layer, versus)  # noqa: E731
        return binary_response(await service.run_slow(request, compute))


def parse_what_if(body: bytes) -> WhatIf:
    """Parse the body of a what-if request; HttpError 400 if it is not JSON, 422 if it is not a what-if."""
    try:
        return WhatIf.model_validate(read_json(body))
    except ValidationError as problem:
        raise parameter_error(problem.errors()) from None


def _page_id(request: Request) -> str | None:
    """Return the random text by which a page identifies itself, if any."""
    return request.headers.get("x-page", "")[:100] or None
