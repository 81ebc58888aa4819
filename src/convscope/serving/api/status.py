"""Routes about the service itself: health, readiness, information, metrics, reloading."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Response

from ...data.image_file import MAX_PIXELS
from ...version import __version__
from ..http.image_bodies import MAX_IMAGES
from ..http.responses import json_response
from ..http.uploads import MAX_IMAGE_BYTES
from .answers import HealthAnswer, InfoAnswer, ReadyAnswer, ReloadAnswer
from .describing import REASONS, described, errors
from .hosting import Hosted, Hosting

HEALTH = described(
    "Answers as long as the process lives, without the API key.",
    "只要进程存活就会应答，无需 API 密钥。",
    "服务是否存活",
)
READY = described(
    "503 while the service is ending: it should get no more requests. Without the API key.",
    "服务正在停止时返回 503，不应再向它发送请求。无需 API 密钥。",
    "能否应答请求",
)
INFO = described(
    "The classifiers with their classes, input size and figures, and the limits of the service.",
    "各分类器的类别、输入大小和指标，以及服务的各项上限。",
    "服务与分类器的信息",
)
METRICS = described(
    "Requests, images, batches, queue and the process, in Prometheus's text format.",
    "请求、图像、批次、队列和进程的计数，Prometheus 文本格式。",
    "监控指标",
)
RELOAD = described(
    "Reads every classifier in use again from where it was opened. No request is dropped: those that have arrived are "
    "answered by the former one. A classifier that cannot be read stays as it was. SIGHUP does the same.",
    "从原位置重新读取所有正在使用的分类器。不丢请求：已到达的请求由旧分类器应答。"
    "读取失败则保留旧的。SIGHUP 信号作用相同。",
    "重新读取分类器",
)
TEXT_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": REASONS[200][0]}
}


def add_status_routes(app: FastAPI, hosting: Hosting) -> None:
    """Add `/health`, `/ready`, `/info`, `/metrics` and `/reload`."""

    @app.get(
        "/health", summary="Does it live?", response_model=HealthAnswer, responses=errors(), tags=["status"], **HEALTH
    )
    async def health() -> Response:
        return json_response({"status": "ok"})

    @app.get(
        "/ready",
        summary="Can it answer?",
        response_model=ReadyAnswer,
        responses={**errors(), 503: {"model": ReadyAnswer, "description": REASONS[503][0]}},
        tags=["status"],
        **READY,
    )
    async def ready() -> Response:
        is_ready = hosting.is_ready()
        return json_response({"ready": is_ready}, 200 if is_ready else 503)

    @app.get(
        "/info", summary="The service and its classifiers", response_model=InfoAnswer, responses=errors(),
        tags=["status"], **INFO,
    )  # fmt: skip
    async def info() -> Response:
        return json_response(_info(hosting))

    @app.get(
        "/metrics", summary="Figures for Prometheus", response_class=Response,
        responses={**errors(), **TEXT_ANSWER}, tags=["status"], **METRICS,
    )  # fmt: skip
    def metrics() -> Response:
        return Response(hosting.metrics.text(), media_type=hosting.metrics.content_type)

    @app.post(
        "/reload", summary="Read the classifiers again", response_model=ReloadAnswer, responses=errors(),
        tags=["status"], **RELOAD,
    )  # fmt: skip
    async def reload() -> Response:
        return json_response({"models": await hosting.ask_reload()})


def _info(hosting: Hosting) -> dict[str, Any]:
    limits = hosting.limits
    return {
        "name": "convscope",
        "version": __version__,
        "current": hosting.current,
        "models": [_model(hosted) for hosted in hosting.by_id.values()],
        "limits": {
            "image_bytes": MAX_IMAGE_BYTES,
            "images": MAX_IMAGES,
            "megapixels": MAX_PIXELS / 1e6,
            "max_batch": limits.max_batch,
            "queue": limits.queue,
            "deadline_seconds": limits.deadline,
        },
    }


def _model(hosted: Hosted) -> dict[str, Any]:
    """Return what is known of a classifier, without loading it."""
    if not hosted.is_loaded():
        return {"id": hosted.id, "loaded": False}
    answering = hosted.find()
    return {
        "id": hosted.id,
        "loaded": True,
        "architecture": answering.settings.architecture,
        "runtime": answering.runtime,
        "class_names": answering.class_names,
        "input_size": list(answering.input_size),
        "details": answering.describe(),
    }
