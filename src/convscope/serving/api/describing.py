"""How the routes are described in OpenAPI, in English and Chinese, with the errors that each can answer."""

from __future__ import annotations

from typing import Any

from .answers import ErrorAnswer

REASONS = {
    400: "The image is damaged, or the body is not what its type says.",
    403: "The request names another host, or comes from a foreign web page.",
    404: "There is no classifier of that name.",
    408: "The body arrived too slowly.",
    413: "Too many bytes, pixels or images.",
    415: "The body is not of a type that is read here.",
    422: "A parameter or a field is wrong.",
    500: "An unexpected error; the log has it under the request's id.",
    503: "Busy: try again after the seconds in Retry-After.",
    504: "The answer took longer than the deadline.",
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the descriptions of error answers; every route may answer 403 and 500."""
    return {status: {"model": ErrorAnswer, "description": REASONS[status]} for status in sorted({403, 500, *statuses})}


def described(en: str, zh: str, zh_summary: str, **more: Any) -> dict[str, Any]:
    """Return a route's description in English, and in Chinese for the documentation page."""
    return {"description": en, "openapi_extra": {"x-zh": {"summary": zh_summary, "description": zh}, **more}}
