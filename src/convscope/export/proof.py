"""Compare an exported model with the original, image by image."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..classifier import Classifier
from ..errors import ConvScopeError
from ..prediction import measured
from .images import Images
from .unknown import CONFIDENCE, DISTANCE, UNKNOWN

BATCHES = (1, 2, 7)
# The largest difference on the same pixels of a probability, and of a logit as a share of the largest logit. Sums of
# thousands of float32 in another order differ by a tenth of that.
TOLERANCE = 1e-3
# The resizing is within 1 of 255 of Pillow's, and torch's, which shrinks colour photos in training, within 2 of it.
PIXEL_STEPS = 2
# An image whose two likeliest classes, or whose label and threshold, are nearer than this may change its answer when
# pixels change by a step.
NEAR_TIE = 0.05

# From a batch to the model's outputs by name; with the resizing inside, also the resized pixels.
Run = Callable[[np.ndarray], dict[str, Tensor]]


@dataclass(frozen=True)
class Proof:
    """What was compared: `n` images from `origin`, in batches of `batches`.

    `difference` is the largest of a probability. `same_answer` counts the images with the same class (of several labels
    per image: the same labels). For a model with the resizing inside, `pixel_difference` is the largest of a resized
    pixel, out of 255.
    """

    n: int
    origin: str
    batches: tuple[int, ...]
    difference: float
    same_answer: int
    pixel_difference: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return asdict(self) | {"batches": list(self.batches)}


def prove(run: Run, classifier: Classifier, images: Images, input: str) -> Proof:
    """Return how far a model that `run` runs is from the original; ConvScopeError in one line if it is too far."""
    seen = torch.stack([_seen(classifier, picture) for picture in images.pictures])
    logits = torch.cat([classifier.logits(part) for part in seen.split(max(BATCHES))])
    original = classifier.task.probabilities(logits)
    if not original.isfinite().all():
        raise ConvScopeError("the original gives numbers that are not finite: there is nothing to compare with")
    same = torch.ones(len(seen), dtype=torch.bool)
    difference, steps = 0.0, 0
    for batch in BATCHES:
        for numbers in _batches(images.pictures, batch, input):
            given = np.stack([images.pictures[i] for i in numbers]) if input == "image" else seen[numbers].numpy()
            answers = run(given)
            pixels, probabilities = answers.get("pixels", seen[numbers]), answers["probabilities"]
            steps = max(steps, int((pixels.short() - seen[numbers].short()).abs().max()))
            # In the same batch, on which its own code may depend.
            familiar = classifier.abstention.familiar
            expected, distances = measured(
                classifier.network, classifier.preprocess, pixels, classifier.device, familiar
            )
            _check_answers(classifier, answers["logits"], probabilities, expected, batch)
            _check_unknown(classifier, answers, expected, distances, batch)
            difference = max(difference, (probabilities - original[numbers]).abs().max().item())
            same[numbers] &= _same(classifier, probabilities, original[numbers], batch)
    if steps > PIXEL_STEPS:
        raise ConvScopeError(f"the exported model resizes differently: a pixel differs by {steps} of 255")
    counts = len(seen), images.origin, BATCHES
    return Proof(*counts, difference, int(same.sum()), steps if input == "image" else None)


def _seen(classifier: Classifier, picture: np.ndarray) -> Tensor:
    return classifier.pixels(picture[:, :, 0] if picture.shape[2] == 1 else picture)


def _batches(pictures: Sequence[np.ndarray], batch: int, input: str) -> Iterator[list[int]]:
    """Yield the numbers of the images of each batch; the last one is filled up from its beginning.

    The images of a batch have one size where the model resizes them.
    """
    by_size: dict[tuple[int, ...], list[int]] = {}
    for number, picture in enumerate(pictures):
        by_size.setdefault(picture.shape if input == "image" else (), []).append(number)
    for numbers in by_size.values():
        for i in range(0, len(numbers), batch):
            part = numbers[i : i + batch]
            yield (part * batch)[:batch]


def _check_answers(classifier: Classifier, logits: Tensor, probabilities: Tensor, expected: Tensor, batch: int) -> None:
    """Raise ConvScopeError unless the answers to the same pixels are the original's."""
    where = f"at batches of {batch}"
    if logits.shape != expected.shape or probabilities.shape != expected.shape:
        raise ConvScopeError(
            f"the exported model answers with {list(logits.shape)} numbers {where}, not {list(expected.shape)}"
        )
    difference = (probabilities - classifier.task.probabilities(expected)).abs().max().item()
    share = ((logits - expected).abs().max() / expected.abs().max().clamp(min=1)).item()
    # Written so that what is not a number is not taken for a small one.
    if not (difference <= TOLERANCE and share <= TOLERANCE):
        raise ConvScopeError(
            f"the exported model answers differently {where}: a probability by {difference:.2g}, a logit by "
            f"{share:.2g} of the largest"
        )


def _check_unknown(
    classifier: Classifier, answers: dict[str, Tensor], logits: Tensor, distances: list[float | None], batch: int
) -> None:
    """Raise ConvScopeError unless the model refuses the answers that the original does, but for near ties."""
    abstention = classifier.abstention
    if not abstention.refuses:
        return
    calibrated = (logits.double() / (abstention.temperature or 1.0)).softmax(1).max(1).values
    off = 0.0 if abstention.temperature is None else _off(answers[CONFIDENCE], calibrated)
    near = (calibrated - abstention.threshold).abs() < NEAR_TIE
    if abstention.familiar is not None:
        distance = torch.tensor(distances, dtype=torch.float64)
        off = max(off, _off(answers[DISTANCE], distance))
        near |= (distance / abstention.familiar.farthest - 1).abs() < NEAR_TIE
    pairs = zip(logits, distances, strict=True)
    refused = torch.tensor([abstention.refusal(*pair, classifier.class_names) is not None for pair in pairs])
    if not off <= TOLERANCE or ((answers[UNKNOWN] != refused) & ~near).any():
        raise ConvScopeError(f"the exported model is unsure of other images at batches of {batch} (by {off:.2g})")


def _off(got: Tensor, expected: Tensor) -> float:
    """Return the largest difference, as a share of numbers above 1; NaN if a number is none."""
    return ((got - expected).abs() / expected.abs().clamp(min=1)).max().item()


def _same(classifier: Classifier, probabilities: Tensor, original: Tensor, batch: int) -> Tensor:
    """Return which images get the same answer, N; ConvScopeError if one changes that was no near tie."""
    before, after = classifier.task.selected(original), classifier.task.selected(probabilities)
    changed = before != after
    if classifier.task.thresholds is None:
        margin = original.max(1, keepdim=True).values - original
    else:
        margin = (original - torch.tensor(classifier.task.thresholds)).abs()
    if (changed & (margin > NEAR_TIE)).any():
        raise ConvScopeError(f"the exported model gives an image another answer at batches of {batch}")
    return ~changed.any(1)
