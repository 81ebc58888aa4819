"""`POST /predict`: one image or several, as they are, in a form or in JSON."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from ...errors import printable
from ..http.errors import invalid
from ..http.image_bodies import MAX_IMAGES, read_images
from ..http.prefix import bare_path
from ..http.responses import as_http_error, error_response, json_response
from .answering import Answering, Output
from .answers import LabelScore, OneAnswer, SeveralAnswers
from .batching import Job
from .describing import described, errors, said
from .hosting import Hosted, Hosting

PATH, TOP = "/predict", 5
WHICH = said("Which classifier; the first one if left out.", "用哪个分类器；省略则为第一个。")
HOW_MANY = said("How many classes to list.", "列出多少个类别。")
AS_LIST = said(
    "`hf`: a list of label and score, as Hugging Face's services answer.",
    "`hf`：像 Hugging Face 的服务那样，返回 label 和 score 的列表。",
)
SETS = said(
    "Also return the set of classes that holds the true one in this share of cases, such as 0.9.",
    "同时返回一个类别集合，真实类别以该比例落在其中，例如 0.9。",
)
# What is left out is None; a client cannot send that.
Nothing = SkipJsonSchema[None]
ClassifierId = Annotated[Annotated[str, Field(max_length=300)] | Nothing, Query(alias="classifier", description=WHICH)]
TopK = Annotated[int, Query(ge=1, le=10_000, description=HOW_MANY)]
SetCoverage = Annotated[Annotated[float, Field(gt=0, lt=1)] | Nothing, Query(description=SETS)]
HuggingFace = Annotated[Annotated[str, Field(pattern="^hf$")] | Nothing, Query(description=AS_LIST)]
FILE = {"type": "string", "format": "binary"}
BASE64 = {"type": "string", "contentEncoding": "base64", "description": "An image in base64, or a data URL."}
IMAGES = {"type": "array", "items": BASE64, "minItems": 1, "maxItems": MAX_IMAGES}
BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "image/*": {"schema": FILE},
        "application/octet-stream": {"schema": FILE},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "array", "items": FILE, "minItems": 1, "maxItems": MAX_IMAGES}},
            }
        },
        "application/json": {
            "schema": {
                "oneOf": [
                    {"type": "object", "required": [name], "properties": {name: schema}, "additionalProperties": False}
                    for name, schema in (("image", BASE64), ("images", IMAGES))
                ]
            }
        },
    },
}
TEXT = described(
    "An image is the body itself (`curl --data-binary @image.png`), a field `file` of a form, or base64 in JSON as "
    '`{"image": "..."}`. Several are several fields `file`, or `{"images": ["...", "..."]}`; each gets a result or an '
    "error of its own.",
    "图像可以直接作为请求内容（`curl --data-binary @image.png`），也可以是表单的 `file` 字段，或 JSON 中的 base64："
    '`{"image": "..."}`。多张图像用多个 `file` 字段，或 `{"images": ["...", "..."]}`；每张各有结果或错误。',
    "识别一张或多张图像",
    requestBody=BODY,
)


def add_predict_route(app: FastAPI, hosting: Hosting) -> None:
    """Add `POST /predict`."""

    @app.post(
        PATH,
        summary="Classify one image or several",
        response_model=OneAnswer | SeveralAnswers | list[LabelScore],
        responses=errors(400, 404, 408, 413, 415, 422, 503, 504),
        tags=["predict"],
        **TEXT,
    )
    async def predict(
        request: Request,
        id: ClassifierId = None,
        topk: TopK = TOP,
        format: HuggingFace = None,
        set_coverage: SetCoverage = None,
    ) -> Response:
        refuse_unknown_parameters(request)
        return await answer(request, hosting, id, topk, format == "hf", set_coverage)


def refuse_unknown_parameters(request: Request) -> None:
    """HttpError 422 if the address names a parameter that there is not, or one twice.

    What is only left out gives another answer than was asked for, such as that of another classifier.
    """
    known = [parameter.alias for parameter in request.scope["route"].dependant.query_params]
    for name in request.query_params:
        if name not in known:
            shown, names = printable(name)[:100], ", ".join(known)
            raise invalid(f"there is no parameter '{shown}': {names}", f"没有名为“{shown}”的参数，可用：{names}")
        if len(request.query_params.getlist(name)) > 1:
            raise invalid(f"{name}: give it once", f"参数 {name} 只能出现一次")


class PlainPredict:
    """Answers `POST /predict` without parameters itself: to find the route, and to check parameters that nobody gave,
    takes the framework longer than a small network takes."""

    def __init__(self, app: ASGIApp, hosting: Hosting, routes: Sequence[BaseRoute]):
        self.app, self.hosting, self.routes = app, hosting, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        is_plain = scope["type"] == "http" and scope["method"] == "POST" and not scope["query_string"]
        if not is_plain or bare_path(scope) != PATH:
            await self.app(scope, receive, send)
            return
        scope["route"] = next(route for route in self.routes if getattr(route, "path", "") == PATH)
        request = Request(scope, receive)
        try:
            response = await answer(request, self.hosting)
        except Exception as problem:
            response = error_response(request, as_http_error(problem))
        await response(scope, receive, send)


async def answer(
    request: Request,
    hosting: Hosting,
    id: str | None = None,
    topk: int = TOP,
    as_list: bool = False,
    set_coverage: float | None = None,
) -> Response:
    """Return the likeliest classes of the images in a request; HttpError or DataError if there are none."""
    if as_list and set_coverage is not None:
        raise invalid(
            "format=hf has no place for a set: leave one of the two out", "format=hf 无法包含集合：请去掉其一"
        )
    hosted = hosting.get(id)
    hosting.batcher_of(hosted).require_room()  # before the body is read
    answering = await hosted.answering()
    least = answering.least_of_sets(set_coverage)
    images, several = await read_images(request)
    started = time.perf_counter()
    job = await hosting.answer(hosted, images, answering)
    note(request, hosting, hosted, job)
    if several:
        results = [_result(answering, output, topk, set_coverage, least) for output in job.outputs]
        return json_response({"results": results, **_origin(hosted, job, started)})
    output = usable(job.outputs[0])
    if as_list:
        rows = answering.ranked(output, topk)
        return json_response([{"label": row["label"], "score": row["probability"]} for row in rows])
    return json_response({**_answer(answering, output, topk, set_coverage, least), **_origin(hosted, job, started)})


def usable(output: Output | Exception) -> Output:
    """Return an output; what is none is raised."""
    if isinstance(output, Exception):
        raise output
    return output


def note(request: Request, hosting: Hosting, hosted: Hosted, job: Job) -> None:
    """Count what became of each image, and put it into the line of the log."""
    counts = {"answered": 0, "unknown": 0, "unusable": 0}
    for output in job.outputs:
        counts[_outcome(output)] += 1
    for outcome, count in counts.items():
        if count:
            hosting.metrics.images.labels(hosted.id, outcome).inc(count)
    request.scope["state"]["log"] = {"model": hosted.id, **counts, "timings_ms": job.timings.to_dict()}


def _outcome(output: Output | Exception) -> str:
    if isinstance(output, Exception):
        return "unusable"
    return "answered" if output.refusal is None else "unknown"


def _result(
    answering: Answering, output: Output | Exception, topk: int, set_coverage: float | None, least: float | None
) -> dict[str, Any]:
    if isinstance(output, Exception):
        error = as_http_error(output)
        return {**error.body(), "status": error.status}
    return _answer(answering, output, topk, set_coverage, least)


def _answer(
    answering: Answering, output: Output, topk: int, set_coverage: float | None, least: float | None
) -> dict[str, Any]:
    rows = answering.ranked(output, topk, least)
    further: dict[str, Any] = {} if output.refusal is None else {"reason": output.refusal}
    if least is not None:
        further |= {"set_coverage": set_coverage, "set": [row["label"] for row in rows if row["in_set"]]}
        rows = rows[:topk]
    return {"predictions": rows, "abstained": output.refusal is not None, **further}


def _origin(hosted: Hosted, job: Job, started: float) -> dict[str, Any]:
    milliseconds = round((time.perf_counter() - started) * 1000, 3)
    return {"model": hosted.id, "time_ms": milliseconds, "timings_ms": job.timings.to_dict()}
