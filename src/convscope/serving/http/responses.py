"""What every answer has in common: its form, and an error's, in both languages."""

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
from .errors import Refusal, plain_refusal, wrong
from .uploads import refuse_image


def answer_errors(app: FastAPI) -> None:
    """Every error as JSON in both languages; what nobody expected says no more than that."""

    def refuse(request: Request, refusal: Refusal) -> Response:
        return JSONResponse(refusal.body(), refusal.status, refusal.headers)

    @app.exception_handler(Refusal)
    async def refusal(request: Request, problem: Refusal) -> Response:
        return refuse(request, problem)

    @app.exception_handler(HTTPException)
    async def http(request: Request, problem: HTTPException) -> Response:
        return refuse(request, plain_refusal(problem.status_code, problem.headers))

    @app.exception_handler(RequestValidationError)
    async def validation(request: Request, problem: RequestValidationError) -> Response:
        return refuse(request, parameter_refusal(problem.errors()))

    @app.exception_handler(UnreadableImage)
    async def image(request: Request, problem: UnreadableImage) -> Response:
        return refuse(request, refuse_image(problem))

    @app.exception_handler(ConvScopeError)
    async def ours(request: Request, problem: ConvScopeError) -> Response:
        status = 422 if isinstance(problem, UsageError) else 400 if isinstance(problem, DataError) else 500
        return refuse(request, Refusal(status, str(problem), f"出错：{problem}"))

    @app.exception_handler(Exception)
    async def unexpected(request: Request, problem: Exception) -> Response:
        reason = printable(f"{type(problem).__name__}: {problem}")[:300]
        logging.getLogger(__name__).error("%s %s: unexpected %s", request.method, printable(request.url.path), reason)
        return refuse(request, plain_refusal(500))


def parameter_refusal(errors: Any) -> Refusal:
    """422 for the first of pydantic's errors."""
    first = errors[0] if errors else {}
    where = ".".join(str(part) for part in first.get("loc", ()) if part not in ("query", "path", "body"))
    reason = str(first.get("msg", "wrong"))
    return wrong(f"{where or 'request'}: {reason}", f"参数 {where or '请求'} 有误（{reason}）")


def json_answer(document: Any) -> Response:
    """A JSON document that nobody keeps."""
    return Response(to_json(document), media_type="application/json", headers={"Cache-Control": "no-store"})


def container_answer(content: bytes) -> Response:
    """A binary answer that nobody keeps."""
    return Response(content, media_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})
