"""When a classifier should not answer: two tests that its bundle stores, both fitted to validation images.

An answer is unsure if its probability is below a threshold: the picture lies between two classes. A picture is of no
class if its features, the inputs of the last layer, are far from those of the training images: the distance to the
fifth nearest of a sample of them (k nearest neighbours, Sun et al. 2022).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import ModelFileError, UsageError
from .label_sets import LabelSets, check_coverage, label_sets_of

if TYPE_CHECKING:
    from torch import Tensor, nn

# The file of a bundle with the features of training images, and the name of the tensor in it.
FEATURES_FILE, FEATURES = "familiar.safetensors", "features"
NEIGHBOURS = 5
MOST_FEATURES, MOST_WIDTH = 10_000, 100_000


@dataclass(frozen=True)
class Refusal:
    """Why an answer should be "unknown": `kind` is "foreign" (close to no class) or "unsure" (between two).

    `reason` is that in words; `between` names the two likeliest classes of an unsure answer, and `probability` is the
    calibrated one of the first of them.
    """

    kind: str
    reason: str
    between: tuple[str, ...] = ()
    probability: float | None = None


@dataclass(frozen=True)
class Familiar:
    """What pictures of a classifier's classes look like to its last `layer`: features M x width of training images.

    A picture whose fifth nearest of them is farther than `farthest` is of no class. `kept` is the share of the
    validation images that are nearer. `features` is None where only the bundle's configuration was read.
    """

    layer: str
    features: Tensor | None
    farthest: float
    kept: float

    def distances(self, features: Tensor) -> Tensor:
        """Return the distance of each row, N x width, to its fifth nearest stored one, N."""
        import torch

        assert self.features is not None
        nearest = torch.cdist(features.double(), self.features.double())
        return nearest.kthvalue(min(NEIGHBOURS, nearest.shape[1]), 1).values


@dataclass(frozen=True)
class Abstention:
    """How far a classifier's answers can be trusted, as found out on `n` validation images that chose no epoch.

    softmax(logits / `temperature`) are calibrated probabilities; None if no temperature was fitted. Answers of a
    calibrated probability below `threshold` are unsure; of the others at most the share `risk` is wrong, with 95 %
    confidence, and they were the share `answered` of the validation images. `note` says what could not be found out,
    and why. `sets` are for sets of classes that hold the true one.
    """

    temperature: float | None = None
    threshold: float = 0.0
    risk: float | None = None
    answered: float = 1.0
    n: int = 0
    familiar: Familiar | None = None
    note: str = ""
    sets: LabelSets | None = None

    def least_of_sets(self, coverage: float | None, multi_label: bool = False) -> float | None:
        """Return the probability from which on a class is in the set that has the true one with this `coverage`.

        None for None; UsageError for a coverage that is no share or that the images do not allow, and for several
        labels per image.
        """
        if coverage is None:
            return None
        check_coverage(coverage)
        if multi_label:
            raise UsageError("sets of classes are for one class per image; this classifier gives several labels")
        if self.sets is None:
            # What was fitted without sets is of an older version: the note is about something else then.
            found = self.note if self.temperature is None else ""
            why = found or "its bundle holds none: train it again, with at least 200 validation images"
            raise UsageError(f"this classifier gives no sets of classes: {why}")
        least = self.sets.least(coverage)
        if least is None:
            needed = math.ceil(coverage / (1 - coverage) - 1e-6)
            raise UsageError(
                f"sets with a coverage of {coverage:g} need {needed:,} held-out images, and this classifier had "
                f"{self.sets.n:,}, enough for {math.floor(1e4 * self.sets.most) / 1e4:g}"
            )
        return least

    @property
    def refuses(self) -> bool:
        """Whether there is any answer that would be refused."""
        return self.threshold > 0 or self.familiar is not None

    def refusal(
        self, logits: Tensor | np.ndarray, distance: float | None, class_names: Sequence[str]
    ) -> Refusal | None:
        """Return why there should be no answer to one picture; None if there should be. One logit per class."""
        if self.familiar is not None and distance is not None and not distance <= self.familiar.farthest:
            return Refusal("foreign", "close to no class")
        scaled = np.asarray(logits, np.float64) / (self.temperature or 1.0)
        probabilities = np.exp(scaled - scaled.max())
        best = np.argsort(-probabilities, kind="stable")[:2]
        probability = float(probabilities[best[0]] / probabilities.sum())
        if probability >= self.threshold:
            return None
        names = tuple(class_names[i] for i in best.tolist())
        return Refusal("unsure", f"between {' and '.join(names)}", names, probability)

    def to_config(self) -> dict[str, Any]:
        """Return what a bundle's configuration has about this: nothing if nothing was looked for."""
        if self == Abstention():
            return {}
        stored: dict[str, Any] = {"risk": self.risk, "answered": self.answered, "n": self.n, "note": self.note}
        if self.familiar is not None and self.familiar.features is not None:
            m, width = self.familiar.features.shape
            known = {"layer": self.familiar.layer, "farthest": self.familiar.farthest, "kept": self.familiar.kept}
            stored["familiar"] = {**known, "images": m, "width": width}
        if self.sets is not None:
            stored["sets"] = self.sets.to_config()
        return {"temperature": self.temperature, "threshold": self.threshold, "abstention": stored}

    def files(self) -> dict[str, bytes]:
        """Return the files that a bundle has about this, by name."""
        if self.familiar is None or self.familiar.features is None:
            return {}
        import safetensors.torch

        return {FEATURES_FILE: safetensors.torch.save({FEATURES: self.familiar.features.half().contiguous()})}


def abstention_of(
    config: dict[str, Any], shown: str = "config.json", read: Callable[[str, int], bytes] | None = None
) -> Abstention:
    """Return what a bundle says about this; bundles without it have none. ModelFileError if it makes no sense.

    `read` returns a file of the bundle, of at most so many bytes; without it, no features of images are read.
    """
    stored = config.get("abstention")
    if stored is None:
        return Abstention()
    if not isinstance(stored, dict):
        raise ModelFileError(f"{shown}: abstention holds no settings")
    temperature, risk = config.get("temperature"), stored.get("risk")
    return Abstention(
        None if temperature is None else _number(temperature, 1e-6, 1e6, f"{shown}: temperature"),
        _number(config.get("threshold"), 0, 1, f"{shown}: threshold"),
        None if risk is None else _number(risk, 0, 1, f"{shown}: abstention: risk"),
        _number(stored.get("answered"), 0, 1, f"{shown}: abstention: answered"),
        int(_number(stored.get("n"), 0, 1e12, f"{shown}: abstention: n")),
        _familiar_of(stored.get("familiar"), shown, read),
        str(stored.get("note") or "")[:1000],
        label_sets_of(stored.get("sets"), f"{shown}: abstention: sets"),
    )


def _familiar_of(stored: Any, shown: str, read: Callable[[str, int], bytes] | None) -> Familiar | None:
    if stored is None:
        return None
    if not isinstance(stored, dict) or not isinstance(stored.get("layer"), str):
        raise ModelFileError(f"{shown}: abstention: familiar names no layer")
    count = int(_number(stored.get("images"), 1, MOST_FEATURES, f"{shown}: abstention: images"))
    width = int(_number(stored.get("width"), 1, MOST_WIDTH, f"{shown}: abstention: width"))
    farthest = _number(stored.get("farthest"), 0, 1e30, f"{shown}: abstention: farthest")
    kept = _number(stored.get("kept"), 0, 1, f"{shown}: abstention: kept")
    layer = stored["layer"]
    if read is None:
        return Familiar(layer, None, farthest, kept)
    import safetensors.torch
    from safetensors import SafetensorError

    try:
        features = safetensors.torch.load(read(FEATURES_FILE, 2 * count * width + 10_000)).get(FEATURES)
    except (SafetensorError, ValueError, KeyError, TypeError, OverflowError, RuntimeError) as problem:
        raise ModelFileError(f"{shown}: {FEATURES_FILE} is damaged or no safetensors file") from problem
    if features is None or features.shape != (count, width) or not features.isfinite().all():
        raise ModelFileError(f"{shown}: {FEATURES_FILE} does not hold {count} x {width} finite features")
    return Familiar(layer, features.float(), farthest, kept)


def _number(value: Any, low: float, high: float, where: str) -> float:
    if type(value) not in (int, float) or not math.isfinite(value) or not low <= value <= high:
        raise ModelFileError(f"{where} must be a number from {low:g} to {high:g}, not {str(value)[:40]!r}")
    return float(value)


@contextmanager
def inputs_kept(network: nn.Module, familiar: Familiar | None) -> Iterator[list[Tensor]]:
    """Keep the features of every batch that the network gets in the `with` block, in the list that this yields."""
    kept: list[Tensor] = []
    if familiar is None:
        yield kept
        return
    layer = network.get_submodule(familiar.layer)
    handle = layer.register_forward_pre_hook(lambda module, inputs: kept.append(_flat(inputs[0].detach())))
    try:
        yield kept
    finally:
        handle.remove()


def _flat(values: Tensor) -> Tensor:
    return (values.mean((2, 3)) if values.ndim == 4 else values.flatten(1)).float().cpu()


class InputsOf:
    """A network that also keeps, of each batch, the inputs of one layer, in `features` N x width (float32, CPU).

    Maps are averaged over their positions. Other threads may use the network at the same time.
    """

    def __init__(self, network: nn.Module, layer: str):
        self.network, self.layer = network, layer
        self.features: Tensor | None = None

    def __call__(self, images: Tensor) -> Tensor:
        """Return the network's outputs for a batch of images."""
        thread = threading.get_ident()

        def keep(module: nn.Module, inputs: tuple[Any, ...]) -> None:
            if threading.get_ident() == thread:
                self.features = _flat(inputs[0].detach())

        handle = self.network.get_submodule(self.layer).register_forward_pre_hook(keep)
        try:
            return self.network(images)
        finally:
            handle.remove()
