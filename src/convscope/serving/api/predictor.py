"""What the API asks of a classifier, whichever runtime computes it: decoding, the network, the ranking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True)
class Output:
    """The answer to one image: a probability and a logit per class, float32, and why it should be "unknown", if so."""

    probabilities: np.ndarray
    logits: np.ndarray
    refusal: str | None = None


class Predictor(Protocol):
    """A classifier that answers batches of images."""

    architecture: str
    class_names: list[str]
    input_size: tuple[int, int, int]
    runtime: str

    def decode(self, content: bytes) -> np.ndarray:
        """Return the uint8 pixels C x H x W of an encoded image; DataError if it cannot be used."""
        ...

    def compute(self, pixels: np.ndarray) -> list[Output | Exception]:
        """Return the answers to uint8 pixels N x C x H x W; DataError in place of one that is not finite."""
        ...

    def ranked(self, output: Output, topk: int) -> list[dict[str, Any]]:
        """Return the likeliest classes as JSON, best first; of several labels, at least all that the image gets."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return task, preprocessing, figures and abstention as JSON."""
        ...
