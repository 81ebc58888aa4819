"""The API as an ASGI application, alone or with the page's routes beside it."""

from __future__ import annotations

from fastapi import FastAPI

from ...version import __version__
from ..http.access import Access, add_middleware
from ..http.responses import add_error_handlers
from .docs import add_docs_route
from .hosting import Hosting
from .open_inference.routes import add_open_inference_routes
from .predict import PlainPredict, add_predict_route
from .status import add_status_routes


def create_api(hosting: Hosting, access: Access | None = None, has_page: bool = False) -> FastAPI:
    """Return an application with the routes for programs; their documentation links to the page if it `has_page`."""
    app = FastAPI(title="ConvScope", version=__version__, docs_url=None, redoc_url=None)
    app.add_middleware(PlainPredict, hosting=hosting, routes=app.routes)
    add_middleware(app, access or Access(), hosting.metrics.observe_request)
    add_error_handlers(app)
    add_status_routes(app, hosting)
    add_predict_route(app, hosting)
    add_open_inference_routes(app, hosting)
    add_docs_route(app, has_page)
    return app
