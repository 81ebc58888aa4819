"""Which kind of heat map points best in a network, measured on a few of its examples."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .. import insight
from ..data.image_file import UnreadableImage
from ..errors import DataError
from ..insight.attribution.pointing import Pointing, pointing
from .classifiers import ServedClassifier
from .example import Example

IMAGES, SECONDS = 6, 6.0
# Guided backpropagation and deconvnet draw what the network saw at all, hardly what speaks for the class: the maps of
# two classes are alike (a correlation of 0.93 in LeNet with ReLU). They cannot say why it is this class.
MEASURED = ("occlusion", "integrated-gradients", "hires-cam", "grad-cam", "saliency")
# Covering a small patch of a larger picture again and again takes seconds for each image.
OCCLUDED_SIDE = 64
RANDOM = "random"
# How often the network runs for one example, gradients included, and how long that may take at most: the page's heat
# maps wait for it.
PASSES, MOST_SECONDS = 280, 20.0


def measure_methods(
    served: ServedClassifier, network: nn.Module, examples: Sequence[Example], seconds: float = SECONDS
) -> dict[str, Any] | None:
    """Return the methods, the best first, with their means on up to six examples that the network gets right.

    As JSON; None for a classifier without examples, of several labels per image, or so slow that one example would
    take more than `MOST_SECONDS`. It ends after `seconds`, but measures one image in any case.
    """
    if served.classifier.task.multi_label:
        return None
    if _seconds_of_pass(served, network) * PASSES > MOST_SECONDS:
        return None
    started = time.perf_counter()
    measured: list[dict[str, Pointing]] = []
    for example in _spread(examples):
        if measured and time.perf_counter() - started > seconds:
            break
        figures = _measure(served, network, example)
        if figures is not None:
            measured.append(figures)
        if len(measured) == IMAGES:
            break
    if not measured:
        return None
    methods = set.intersection(*(set(figures) for figures in measured))
    rows = [_mean_of([figures[method] for figures in measured], method) for method in methods]
    rows.sort(key=lambda row: (-row["score"], row["method"]))
    random = next(row for row in rows if row["method"] == RANDOM)
    return {"images": len(measured), "methods": [row for row in rows if row is not random], "random": random}


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


def _measure(served: ServedClassifier, network: nn.Module, example: Example) -> dict[str, Pointing] | None:
    """Return each method's figures for one example; None if it cannot be read or is not answered rightly."""
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
    size = images.shape[2:]
    heats = {RANDOM: torch.rand(size, generator=torch.Generator().manual_seed(1))}
    for method in MEASURED:
        if method == "occlusion" and max(size) > OCCLUDED_SIDE:
            continue
        try:
            heats[method] = insight.attribute(network, images, method, label)[0]
        except ValueError:
            continue  # this network has no such map
    softmax = classifier.task.probabilities
    return {method: pointing(network, images, heat, label, softmax) for method, heat in heats.items()}


class MeasuredMethods:
    """What was measured of each classifier, once; for one thread."""

    def __init__(self) -> None:
        self.by_source: dict[Path, dict[str, Any] | None] = {}

    def of(
        self, served: ServedClassifier, network: nn.Module, examples: Callable[[], Sequence[Example]]
    ) -> dict[str, Any] | None:
        """Return what `measure_methods` says of a classifier."""
        if served.source not in self.by_source:
            self.by_source[served.source] = measure_methods(served, network, examples())
        return self.by_source[served.source]


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
