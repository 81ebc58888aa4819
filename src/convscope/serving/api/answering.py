"""What the API asks of a classifier, whichever runtime computes it: pixels, the network's answers, the ranking."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...abstention import Abstention
from ...data.decoding.ahead import available_cores
from ...data.preprocess import Preprocess
from ...errors import DataError
from ...pictures import NOT_FINITE, pixels_of
from ...png import png_bytes
from ...predictor import Answers, Predictor
from ...ranking import best
from ...task import Task

# A network that answers an image in less is computed between two looks at the connections, so long at most.
BRIEF_SECONDS, OTHERS_WAIT_SECONDS = 0.001, 0.005


@dataclass(frozen=True)
class Output:
    """The answer to one image: a probability and a logit per class, float32, and why it should be "unknown", if so."""

    probabilities: np.ndarray
    logits: np.ndarray
    refusal: str | None = None


@dataclass(frozen=True)
class Settings:
    """What a bundle says of its classifier beside the weights."""

    architecture: str
    class_names: list[str]
    preprocess: Preprocess
    task: Task
    abstention: Abstention
    metrics: dict[str, Any]


class Answering(ABC):
    """A classifier that answers batches of images; `runtime` is what computes them.

    `brief_batch` is how many images it answers so soon that other requests may wait for them; 0 for none. `parallel`
    is how many threads may let it compute at the same time.
    """

    runtime: str
    brief_batch, parallel = 0, 1

    def __init__(self, settings: Settings):
        self.settings, self.class_names = settings, settings.class_names

    @property
    def input_size(self) -> tuple[int, int, int]:
        """Channels, height and width of what the network gets."""
        return self.settings.preprocess.input_size

    def decode(self, content: bytes) -> np.ndarray:
        """Return the uint8 pixels H x W x C of an encoded image; DataError if it cannot be used."""
        return pixels_of(content, self.settings.preprocess)

    @abstractmethod
    def run(self, pixels: Sequence[np.ndarray]) -> Answers:
        """Return the answers to N images, uint8 H x W x C."""

    def compute(self, pixels: Sequence[np.ndarray]) -> list[Output | Exception]:
        """Return the outputs for N images, uint8 H x W x C; DataError in place of one that is not finite."""
        answers = self.run(pixels)
        distances = [None] * len(pixels) if answers.distances is None else answers.distances.tolist()
        return [
            self._output(*row) for row in zip(answers.probabilities, answers.logits, distances, strict=True)
        ]  # fmt: skip

    def _output(self, probabilities: np.ndarray, logits: np.ndarray, distance: float | None) -> Output | Exception:
        if not np.isfinite(logits).all():
            return DataError(NOT_FINITE)
        refusal = self.settings.abstention.refusal(logits, distance, self.class_names)
        return Output(probabilities, logits, refusal.reason if refusal else None)

    def warm_up(self) -> None:
        """Import and compute now what the first request would otherwise wait for."""
        self.compute([self.decode(png_bytes(np.zeros(self.input_size[1:], np.uint8)))])

    def ranked(self, output: Output, topk: int, least: float | None = None) -> list[dict[str, Any]]:
        """Return the likeliest classes as JSON, best first; at least all labels of the image, or all of its set."""
        rows = best(output.probabilities[None], self.class_names, self.settings.task.thresholds, topk, least)[0]
        return [vars(row) for row in rows]

    def least_of_sets(self, coverage: float | None) -> float | None:
        """Return the probability from which on a class is in the set with this coverage, as `Abstention` has it."""
        return self.settings.abstention.least_of_sets(coverage, self.settings.task.multi_label)

    def describe(self) -> dict[str, Any]:
        """Return task, preprocessing, figures and abstention as JSON."""
        settings = self.settings
        without_numbers = replace(settings.abstention, sets=None)  # a thousand of them
        return {
            **settings.task.to_config(),
            "preprocessing": settings.preprocess.to_dict(),
            "metrics": settings.metrics,
            **without_numbers.to_config(),
        }


class GraphAnswering(Answering):
    """A classifier that ONNX Runtime computes, from the graph beside its bundle."""

    def __init__(self, predictor: Predictor):
        config = predictor.config
        settings = Settings(
            config["architecture"],
            predictor.class_names,
            predictor.preprocess,
            predictor.task,
            predictor.abstention,
            config.get("metrics", {}),
        )
        super().__init__(settings)
        self.predictor, self.runtime = predictor, predictor.runtime
        self.alone, self.computing, self.lock = predictor, 0, threading.Lock()

    def run(self, pixels: Sequence[np.ndarray]) -> Answers:
        """Return the answers to N images, uint8 H x W x C."""
        with self.lock:
            self.computing += 1
            predictor = self.predictor if self.computing == 1 else self.alone
        try:
            return predictor.run(pixels)
        finally:
            with self.lock:
                self.computing -= 1

    def warm_up(self) -> None:
        """Also find out whether the network is so small that one thread computes it soonest, and in how long.

        Any other computes a lone batch on all cores, and several at a time on one core each, which do not wait for each
        other after every layer.
        """
        super().warm_up()
        if self._seconds() > BRIEF_SECONDS:
            if (cores := available_cores()) > 1:
                self.alone, self.parallel = self.predictor.on_one_thread(), cores
            return
        self.predictor = self.predictor.on_one_thread()
        if (seconds := self._seconds()) <= BRIEF_SECONDS:
            self.brief_batch = int(OTHERS_WAIT_SECONDS / seconds)

    def _seconds(self) -> float:
        """Return how long one image takes, decoding included: the least of a few times, whatever else runs."""
        image = png_bytes(np.zeros(self.input_size[1:], np.uint8))
        times = []
        for _ in range(5):
            started = time.perf_counter()
            self.compute([self.decode(image)])
            times.append(time.perf_counter() - started)
        return min(times)
