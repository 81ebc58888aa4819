"""Responses: JSON and binary documents, and every exception as a JSON error in English and Chinese."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ...data.image_file import UnreadableImage
from ...errors import ConvScopeError, DataError, UsageError, printable
from .binary_response import CONTENT_TYPE, to_json
from .errors import HttpError, invalid, standard_error
from .uploads import image_error


def add_error_handlers(app: FastAPI) -> None:
    """Answer every exception with JSON in both languages; an unexpected one is logged and not shown to the client."""

    @app.exception_handler(HttpError)
    async def http_error(request: Request, error: HttpError) -> Response:
        return _error_response(error)

    @app.exception_handler(HTTPException)
    async def framework_error(request: Request, error: HTTPException) -> Response:
        return _error_response(standard_error(error.status_code, error.headers))

    @app.exception_handler(RequestValidationError)
    async def validation_error(request: Request, error: RequestValidationError) -> Response:
        return _error_response(parameter_error(error.errors()))

    @app.exception_handler(UnreadableImage)
    async def unreadable_image(request: Request, error: UnreadableImage) -> Response:
        return _error_response(image_error(error))

    @app.exception_handler(ConvScopeError)
    async def convscope_error(request: Request, error: ConvScopeError) -> Response:
        status = 422 if isinstance(error, UsageError) else 400 if isinstance(error, DataError) else 500
        return _error_response(HttpError(status, str(error), f"出错：{error}"))

    @app.exception_handler(Exception)
    async def unexpected_error(request: Request, error: Exception) -> Response:
        reason = printable(f"{type(error).__name__}: {error}")[:300]
        logging.getLogger(__name__).error("%s %s: unexpected %s", request.method, printable(request.url.path), reason)
        return _error_response(standard_error(500))


def parameter_error(errors: Any) -> HttpError:
    """Return a 422 that names the first of pydantic's errors."""
    first = errors[0] if errors else {}
    name = ".".join(str(part) for part in first.get("loc", ()) if part not in ("query", "path", "body"))
    reason = str(first.get("msg", "invalid"))
    return invalid(f"{name or 'request'}: {reason}", f"参数 {name or '请求'} 无效（{reason}）")


def json_response(document: Any) -> Response:
    """Return a JSON response that is not cached."""
    return Response(to_json(document), media_type="application/json", headers={"Cache-Control": "no-store"})


def binary_response(content: bytes) -> Response:
    """Return a packed `Payload` as a response that is not cached."""
    return Response(content, media_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})


def _error_response(error: HttpError) -> Response:
    return JSONResponse(error.body(), error.status, error.headers)
