"""When a classifier should not answer: what its bundle stores about the confidence of its answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from .errors import ModelFileError


@dataclass(frozen=True)
class Abstention:
    """How far a classifier's answers can be trusted, as found out on validation images.

    softmax(logits / `temperature`) are calibrated probabilities; None if no temperature was fitted.
    """

    temperature: float | None = None

    def to_config(self) -> dict[str, Any]:
        """Return what a bundle's configuration has about this: nothing if nothing was found out."""
        return {} if self.temperature is None else {"abstention": {"temperature": self.temperature}}


def abstention_of(config: dict[str, Any], shown: str = "config.json") -> Abstention:
    """Return what a bundle's configuration says; bundles without it have none. ModelFileError if it makes no sense."""
    stored = config.get("abstention")
    if stored is None:
        return Abstention()
    if not isinstance(stored, dict):
        raise ModelFileError(f"{shown}: abstention holds no settings")
    temperature = stored.get("temperature")
    if temperature is not None and not (type(temperature) in (int, float) and 0 < temperature < math.inf):
        raise ModelFileError(f"{shown}: abstention: temperature must be a number above 0")
    return Abstention(None if temperature is None else float(temperature))
