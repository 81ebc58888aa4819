"""The Predictor: a bundle answered by ONNX Runtime, the same as by its Classifier, in a process without torch.

`convscope export RUN` leaves a graph in the bundle's folder, compared with the network before it was written. It says
from which weights and configuration it was made, and is not used if they have changed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from .abstention import Abstention, abstention_of
from .bundle_config import find_bundle, read_config, task_of
from .data.image_file import UnreadableImage
from .data.preprocess import Preprocess
from .errors import DataError, ModelFileError, printable, require_extra
from .onnx_graph import GRAPH, MADE_FROM, digest_of_bundle, graph_of
from .pictures import NOT_FINITE, ImageLike, batch_size_for, check_topk, decoded_batches, named, pixels_of
from .ranking import ImageResult, best
from .sessions import ONNX_RUNTIME, Open, Session, onnx_session

log = logging.getLogger("convscope")
# ONNX Runtime is as quick with 32 images at once as with more, and the first answers come sooner.
BATCH = 32


@dataclass(frozen=True)
class Answers:
    """What the graph gives for N images: N x classes, and N distances to familiar pictures if the bundle has those."""

    probabilities: np.ndarray
    logits: np.ndarray
    distances: np.ndarray | None = None


class Predictor:
    """A bundle answered by ONNX Runtime, or by another `runtime` (see `quickest`). Several threads may use one.

    `answer` and `predict_each` are those of `Classifier`; `pixels`, `run` and `results` are the steps of which they are
    made, for those who batch images themselves. `bundle`, `config`, `class_names`, `preprocess`, `task` and
    `abstention` are what the bundle says.
    """

    def __init__(
        self,
        bundle: Path,
        config: dict[str, Any],
        session: Session,
        runtime: str = ONNX_RUNTIME,
        open_session: Open = onnx_session,
    ):
        self.bundle, self.config, self.session = bundle, config, session
        self.runtime, self.open_session = runtime, open_session
        self.class_names: list[str] = config["label_names"]
        self.preprocess = Preprocess.from_dict(config["preprocessing"])
        self.task = task_of(config)
        self.abstention: Abstention = abstention_of(config)
        self.batch_size = min(BATCH, batch_size_for(self.preprocess))
        self._outputs = ["probabilities", "logits", *(["distance"] if self.abstention.familiar else [])]

    def on_one_thread(self) -> Predictor:
        """Return the same, computed by the thread that asks alone: the quickest for a network of microseconds."""
        return self.by(self.runtime, self.open_session, threads=1)

    def by(self, runtime: str, open_session: Open, threads: int | None = None) -> Predictor:
        """Return the same, computed by another runtime; ModelFileError if that cannot compute the graph."""
        session = open_session(self.bundle / GRAPH, threads)
        return Predictor(self.bundle, self.config, session, runtime, open_session)

    def pixels(self, image: ImageLike) -> np.ndarray:
        """Return the uint8 pixels H x W x C that the network gets of one image: those of `Classifier.pixels`.

        DataError for an image that cannot be used; its message begins with the path, if the image is a file.
        """
        try:
            return pixels_of(image, self.preprocess)
        except UnreadableImage as problem:
            raise type(problem)(named(image, str(problem))) from problem

    def run(self, pixels: Sequence[np.ndarray]) -> Answers:
        """Return the answers to N images, at least one, each uint8 H x W x C from `pixels`."""
        batch = np.ascontiguousarray(np.stack(pixels).transpose(0, 3, 1, 2))
        return self.run_batch(batch)

    def run_batch(self, batch: np.ndarray) -> Answers:
        """Return the answers to N images, at least one, uint8 N x C x H x W."""
        return Answers(*self.session.run(self._outputs, {"pixels": batch}))

    def least_of_sets(self, coverage: float | None) -> float | None:
        """Return the probability from which on a class is in the set with this coverage, as `Abstention` has it."""
        return self.abstention.least_of_sets(coverage, self.task.multi_label)

    def results(
        self, images: Sequence[ImageLike], answers: Answers, topk: int = 5, set_coverage: float | None = None
    ) -> list[ImageResult]:
        """Return the `topk` likeliest classes of each of N images, or why there are none, from their `answers`."""
        least = self.least_of_sets(set_coverage)
        ranked = best(answers.probabilities, self.class_names, self.task.thresholds, topk, least)
        distances = [None] * len(images) if answers.distances is None else answers.distances.tolist()
        return [
            ImageResult(image, ranking, refusal=self.abstention.refusal(logits, distance, self.class_names))
            if np.isfinite(logits).all()
            else ImageResult(image, [], NOT_FINITE)
            for image, ranking, logits, distance in zip(images, ranked, answers.logits, distances, strict=True)
        ]

    def answer(self, image: ImageLike, topk: int = 5, set_coverage: float | None = None) -> ImageResult:
        """Return the `topk` likeliest classes of one image, or why it is "unknown"; DataError as `pixels`."""
        check_topk(topk)
        result = self.results([image], self.run([self.pixels(image)]), topk, set_coverage)[0]
        if result.reason:
            raise DataError(named(image, result.reason))
        return result

    def predict_each(
        self, images: Iterable[ImageLike], topk: int = 5, set_coverage: float | None = None
    ) -> Iterator[ImageResult]:
        """Yield the `topk` likeliest classes of each image as soon as they are known, in bounded memory.

        An image that cannot be read has a `reason` instead; DataError only for an array that is not an image.
        """
        check_topk(topk)
        for batch in decoded_batches(images, self.preprocess, self.batch_size):
            usable = [(image, pixels) for image, pixels in batch if not isinstance(pixels, str)]
            done: Iterator[ImageResult] = iter(())
            if usable:
                given = self.run([p for _, p in usable])
                done = iter(self.results([image for image, _ in usable], given, topk, set_coverage))
            for image, pixels in batch:
                yield ImageResult(image, [], pixels) if isinstance(pixels, str) else next(done)


def open_predictor(source: str | Path) -> Predictor:
    """Return the predictor of a run folder, a bundle, `last`, a run's name or a bundled classifier's.

    ModelFileError if it has no graph, or if the graph cannot be used, such as one made from other weights; UsageError
    if ONNX Runtime is not installed.
    """
    require_extra("onnx", "onnxruntime", "this needs ONNX Runtime")
    bundle = find_bundle(source)
    config = read_config(bundle)
    shown, path = printable(bundle), graph_of(bundle)
    advice = f"make one with `convscope export {shown}`"
    if not bundle.is_dir():
        raise ModelFileError(f"{shown}: {GRAPH} is not taken out of a zip: unpack it, or install torch")
    if path is None:
        raise ModelFileError(f"{shown} has no {GRAPH}: {advice}")
    try:
        path.open("rb").close()
        with ThreadPoolExecutor(1) as pool:  # large weights take as long to read as the session to begin
            digest = pool.submit(digest_of_bundle, bundle)
            session = onnx_session(path)
            made_from = session.get_modelmeta().custom_metadata_map.get(MADE_FROM)
            is_current = made_from == digest.result()
    except OSError as problem:
        raise ModelFileError(f"{printable(problem.filename)}: {problem.strerror}") from problem
    if not is_current:
        raise ModelFileError(f"{printable(path)} was not made from the weights and settings beside it: {advice}")
    predictor = Predictor(bundle, config, session)
    if missing := set(predictor._outputs) - {output.name for output in session.get_outputs()}:
        raise ModelFileError(f"{printable(path)} does not give {missing.pop()}: {advice}")
    return predictor


def find_predictor(source: str | Path) -> Predictor | None:
    """Return the predictor if there is one; else None, after a warning if there is a graph that cannot be used.

    ModelFileError if the bundle itself cannot be used either, or if there is no torch to answer in the graph's place.
    """
    if find_spec("torch") is None:
        return open_predictor(source)
    if find_spec("onnxruntime") is None:
        return None
    try:
        if graph_of(find_bundle(source)) is None:
            return None
    except ModelFileError:
        return None  # a network, or nothing at all
    try:
        return open_predictor(source)
    except ModelFileError as problem:
        read_config(find_bundle(source))  # what is wrong with the bundle itself is the one thing to say
        log.warning("%s; torch answers", problem)
        return None
