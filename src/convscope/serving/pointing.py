"""Which kind of heat map points best in a network, measured on a few of its examples."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .. import insight
from ..data.image_file import UnreadableImage
from ..errors import DataError
from ..insight.attribution.pointing import STEPS, Pointing, pointing
from .classifiers import ServedClassifier
from .example import Example

IMAGES, SECONDS = 6, 6.0
# Guided backpropagation and deconvnet draw what the network saw at all, hardly what speaks for the class: the maps of
# two classes are alike (a correlation of 0.93 in LeNet with ReLU). They cannot say why it is this class.
MEASURED = ("occlusion", "integrated-gradients", "hires-cam", "grad-cam", "saliency")
# Covering a small patch of a larger picture again and again takes seconds for each image.
OCCLUDED_SIDE = 64
RANDOM = "random"
DONE = object()


@dataclass(frozen=True)
class Plan:
    """What is measured of a network: on how many images, which methods, in how many steps, in how many seconds.

    Whoever asks waits for `at_once` seconds, or for one method on one image, and asks again.
    """

    images: int
    methods: tuple[str, ...]
    steps: int
    seconds: float
    at_once: float
    passes: int  # of the network at a time: for one image, or for one method


MOST_SECONDS = 20.0  # that the page's heat maps wait
USUAL = Plan(IMAGES, MEASURED, STEPS, SECONDS, SECONDS, 280)
# Of a network so slow that one image would take longer: no method that needs many passes, and step by step.
SLOW = Plan(3, ("hires-cam", "grad-cam", "saliency"), 6, 180.0, 0.0, 18)


def measure_methods(
    served: ServedClassifier, network: nn.Module, examples: Sequence[Example], seconds: float = SECONDS
) -> dict[str, Any] | None:
    """Return the methods, the best first, with their means on up to six examples that the network gets right.

    As JSON; None for a classifier without examples, of several labels per image, or so slow that one example would
    take more than `MOST_SECONDS`. It ends after `seconds`, but measures one image in any case.
    """
    if _plan(served, network) is not USUAL:
        return None
    measuring = Measuring(served, network, examples, replace(USUAL, seconds=seconds, at_once=seconds))
    measuring.go_on()
    return measuring.answer()


def _plan(served: ServedClassifier, network: nn.Module) -> Plan | None:
    """Return what can be measured of a network in a bearable time; None if nothing can."""
    if served.classifier.task.multi_label:
        return None
    seconds = _seconds_of_pass(served, network)
    # Of a slow network a map alone takes long, and a busy machine makes any network slow: the bound is wider there.
    plans = ((USUAL, MOST_SECONDS), (SLOW, 2 * MOST_SECONDS))
    return next((plan for plan, most in plans if seconds * plan.passes <= most), None)


class Measuring:
    """The measurement of one classifier, which goes on each time that it is asked for."""

    def __init__(self, served: ServedClassifier, network: nn.Module, examples: Sequence[Example], plan: Plan):
        self.plan, self.spent, self.is_done = plan, 0.0, False
        self.measured: list[dict[str, Pointing]] = []
        self.work = self._work(served, network, examples)

    def _work(self, served: ServedClassifier, network: nn.Module, examples: Sequence[Example]) -> Iterator[None]:
        """Measure image after image, and pause after each method."""
        for example in _spread(examples):
            if (prepared := _prepare(served, network, example)) is None:
                continue
            figures: dict[str, Pointing] = {}
            for method in (RANDOM, *self.plan.methods):
                figure = _measure(served, network, *prepared, method, self.plan.steps)
                if figure is not None:
                    figures[method] = figure
                yield
            self.measured.append(figures)
            if len(self.measured) == self.plan.images or self.spent > self.plan.seconds:
                return

    def go_on(self) -> None:
        """Measure one method on one image, or for `at_once` seconds."""
        started, before = time.perf_counter(), self.spent
        while not self.is_done:
            self.is_done = next(self.work, DONE) is DONE
            self.spent = before + time.perf_counter() - started
            # What is the first image's own is finished in any case: without it there is nothing to say.
            if self.spent - before >= self.plan.at_once and (self.plan is SLOW or self.measured):
                break
        if self.plan is not SLOW:
            self.is_done = True

    def answer(self) -> dict[str, Any] | None:
        """Return what is known by now, as JSON; `pending` where more is to come, of `of` images."""
        more = {} if self.is_done else {"pending": True, "of": self.plan.images}
        if not self.measured:
            return {"images": 0, "methods": [], "random": None, **more} if more else None
        methods = set.intersection(*(set(figures) for figures in self.measured))
        rows = [_mean_of([figures[method] for figures in self.measured], method) for method in methods]
        rows.sort(key=lambda row: (-row["score"], row["method"]))
        random = next(row for row in rows if row["method"] == RANDOM)
        best = [row for row in rows if row is not random]
        return {"images": len(self.measured), "methods": best, "random": random, **more}


def _seconds_of_pass(served: ServedClassifier, network: nn.Module) -> float:
    """Return how long the network takes for one image, after one that warms it up."""
    images = torch.zeros(1, *served.classifier.preprocess.input_size, device=served.device)
    seconds = 0.0
    for _ in range(2):
        started = time.perf_counter()
        with torch.no_grad():
            network(images)
        seconds = time.perf_counter() - started
    return seconds


def _spread(examples: Sequence[Example]) -> list[Example]:
    """Return the examples without known mistakes, those far apart in the list first."""
    able = [example for example in examples if example.kind != "mistake"]
    step = max(len(able) // IMAGES, 1)
    return [example for first in range(step) for example in able[first::step]]


def _prepare(served: ServedClassifier, network: nn.Module, example: Example) -> tuple[Tensor, int] | None:
    """Return one example as the network takes it, and its class; None if it cannot be read or is answered wrongly."""
    classifier = served.classifier
    try:
        pixels = classifier.pixels(example.content(classifier.preprocess.levels)[0])[None]
    except (UnreadableImage, DataError):
        return None
    images = classifier.preprocess.normalize(pixels.to(served.device))
    with torch.no_grad():
        label = int(network(images).argmax())
    if example.label is not None and example.label != classifier.class_names[label]:
        return None
    return images, label


def _measure(
    served: ServedClassifier, network: nn.Module, images: Tensor, label: int, method: str, steps: int
) -> Pointing | None:
    """Return a method's figures for one image; None if this network has no such map, or none that is quick."""
    size = images.shape[2:]
    if method == RANDOM:
        heat = torch.rand(size, generator=torch.Generator().manual_seed(1))
    elif method == "occlusion" and max(size) > OCCLUDED_SIDE:
        return None
    else:
        try:
            heat = insight.attribute(network, images, method, label)[0]
        except ValueError:
            return None
    return pointing(network, images, heat, label, served.classifier.task.probabilities, steps)


class MeasuredMethods:
    """What was measured of each classifier, once; for one thread."""

    def __init__(self) -> None:
        self.by_source: dict[Path, Measuring | None] = {}

    def of(
        self, served: ServedClassifier, network: nn.Module, examples: Callable[[], Sequence[Example]]
    ) -> dict[str, Any] | None:
        """Return what is known of a classifier, after going on with the measurement.

        Of a slow network the first answer comes before anything is measured: so its first heat map need not wait.
        """
        if served.source not in self.by_source:
            plan = _plan(served, network)
            self.by_source[served.source] = Measuring(served, network, examples(), plan) if plan else None
            waits = plan is SLOW
        else:
            waits = False
        measuring = self.by_source[served.source]
        if measuring is None:
            return None
        try:
            if not waits:
                measuring.go_on()
        except BaseException:  # the page was closed meanwhile: what was begun cannot go on, so it begins anew
            del self.by_source[served.source]
            raise
        return measuring.answer()


def _mean_of(figures: Sequence[Pointing], method: str) -> dict[str, Any]:
    def mean(values: Sequence[float]) -> float:
        return round(sum(values) / len(values), 4)

    insertion, deletion = mean([f.insertion for f in figures]), mean([f.deletion for f in figures])
    return {
        "method": method,
        "insertion": insertion,
        "deletion": deletion,
        "score": round(insertion - deletion, 4),
    }
