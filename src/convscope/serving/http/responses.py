"""Responses: JSON and binary documents, and every exception as a JSON error in English and Chinese."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from ...data.image_file import UnreadableImage
from ...errors import ConvScopeError, DataError, UsageError
from ...messages.translate import in_chinese
from .errors import HttpError, invalid, standard_error
from .json_bytes import to_json
from .prefix import wants_plain_errors
from .uploads import image_error

# Pydantic's kinds of errors that a parameter in an address can have.
REASONS = {
    "missing": "缺失",
    "int_parsing": "应为整数",
    "int_from_float": "应为整数",
    "float_parsing": "应为数字",
    "bool_parsing": "应为 true 或 false",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "应不小于 {ge}",
    "less_than": "应小于 {lt}",
    "less_than_equal": "应不大于 {le}",
    "string_too_long": "最多 {max_length} 个字符",
    "string_pattern_mismatch": "应符合 {pattern}",
}


def add_error_handlers(app: FastAPI) -> None:
    """Answer every expected exception with JSON in both languages; `RequestLog` has the others."""

    @app.exception_handler(HttpError)
    async def http_error(request: Request, error: HttpError) -> Response:
        return error_response(request, error)

    @app.exception_handler(HTTPException)
    async def framework_error(request: Request, error: HTTPException) -> Response:
        return error_response(request, standard_error(error.status_code, error.headers))

    @app.exception_handler(RequestValidationError)
    async def validation_error(request: Request, error: RequestValidationError) -> Response:
        return error_response(request, parameter_error(error.errors()))

    @app.exception_handler(ConvScopeError)
    async def convscope_error(request: Request, error: ConvScopeError) -> Response:
        return error_response(request, as_http_error(error))


def as_http_error(error: Exception) -> HttpError:
    """Return the error response for an exception; an unexpected one is raised."""
    if isinstance(error, HttpError):
        return error
    if isinstance(error, UnreadableImage):
        return image_error(error)
    if not isinstance(error, ConvScopeError):
        raise error
    status = 422 if isinstance(error, UsageError) else 400 if isinstance(error, DataError) else 500
    return HttpError(status, str(error), in_chinese(str(error)))


def parameter_error(errors: Any) -> HttpError:
    """Return a 422 that names the first of pydantic's errors."""
    first = errors[0] if errors else {}
    place, *parts = first.get("loc") or ("",)
    if place in ("query", "path", "header"):
        parts = parts[:1]  # what follows a parameter's name is pydantic's own
    elif place != "body":
        parts = [place, *parts]
    name = ".".join(map(str, parts))
    reason, limits = str(first.get("msg", "invalid")), first.get("ctx", {})
    reason_zh = REASONS[first["type"]].format(**limits) if first.get("type") in REASONS else reason
    return invalid(f"{name or 'request'}: {reason}", f"参数 {name or '请求'} 无效（{reason_zh}）")


def json_response(document: Any, status: int = 200) -> Response:
    """Return a JSON response that is not cached."""
    return Response(to_json(document), status, media_type="application/json", headers={"Cache-Control": "no-store"})


def error_response(request: Request, error: HttpError) -> Response:
    """Return an error as a response."""
    body = to_json(error.body(wants_plain_errors(request.scope)))
    return Response(body, error.status, error.headers, "application/json")
