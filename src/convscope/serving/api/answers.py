"""The JSON answers of the API, as its OpenAPI description has them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class Message(BaseModel):
    """A message in both languages."""

    en: str
    zh: str


class ErrorAnswer(BaseModel):
    """Why there is no answer."""

    error: Message


class Prediction(BaseModel):
    """One class and its probability; of several labels, whether the image gets it; with `set_coverage`, `in_set`."""

    label: str
    probability: float = Field(ge=0, le=1)
    index: int = Field(ge=0)
    selected: bool | None = None
    threshold: float | None = None
    in_set: bool | None = None


class TimingsAnswer(BaseModel):
    """Milliseconds that the images waited, were decoded and were in the network."""

    waiting: float
    decoding: float
    network: float


class OneAnswer(BaseModel):
    """The likeliest classes of one image, best first; if `abstained`, the `reason` why it should be "unknown"."""

    predictions: list[Prediction]
    abstained: bool
    reason: str | None = None
    set_coverage: float | None = None
    set: list[str] | None = Field(None, description="The classes among which the true one is in that share of cases.")
    model: str
    time_ms: float
    timings_ms: TimingsAnswer


class Result(BaseModel):
    """One of several images: its classes, or why it could not be used and the status that it alone would have had."""

    predictions: list[Prediction] | None = None
    abstained: bool | None = None
    reason: str | None = None
    set_coverage: float | None = None
    set: list[str] | None = None
    error: Message | None = None
    status: int | None = None


class SeveralAnswers(BaseModel):
    """The results of several images, in their order."""

    results: list[Result]
    model: str
    time_ms: float
    timings_ms: TimingsAnswer


class LabelScore(BaseModel):
    """One class, as Hugging Face's services answer."""

    label: str
    score: float


class HealthAnswer(BaseModel):
    """The service lives."""

    status: str


class ReadyAnswer(BaseModel):
    """Whether requests are answered."""

    ready: bool


class ModelInfo(BaseModel):
    """A classifier; what is not known before it is first used is left out."""

    id: str
    loaded: bool
    architecture: str | None = None
    runtime: str | None = None
    class_names: list[str] | None = None
    input_size: list[int] | None = None
    details: dict[str, Any] | None = None


class LimitsInfo(BaseModel):
    """How much the service takes at once."""

    image_bytes: int
    images: int
    megapixels: float
    max_batch: int
    queue: int
    deadline_seconds: float


class InfoAnswer(BaseModel):
    """The service and its classifiers."""

    name: str
    version: str
    current: str
    models: list[ModelInfo]
    limits: LimitsInfo


class ReloadAnswer(BaseModel):
    """What became of each loaded classifier: "reloaded", or why the former one goes on."""

    models: dict[str, str]
