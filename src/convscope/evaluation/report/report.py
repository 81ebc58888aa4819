"""What a report is about: an evaluation, its images and how the classifier came about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ...data.decoding.pixels import Pixels
from ..metrics import Evaluation
from ..multi_label import MultiLabelEvaluation
from .look import Look


@dataclass
class Report:
    """What the page shows: the evaluation of one split, its pixels (uint8, N x C x H x W), and how it came about.

    `history` (one row per epoch) is empty when a finished classifier is evaluated later. `command` repeats it.
    `warnings` say what is wrong with the training, each in English and in Chinese. `published` has the loss and the
    accuracy in training and test by epoch, as somebody else has published them for the same network. `trust` are the
    `trust_figures` of the evaluation. `run` is what the verbs are given to go on with it, `counts` the images of each
    class by split, `seen` what `seen_images` gives, `look` what was found inside
    the network, and `exported` what `export_parity` gives.
    """

    title: str
    split: str
    evaluation: Evaluation | MultiLabelEvaluation
    pixels: Pixels
    command: str
    metrics: dict[str, Any]
    environment: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    warnings: list[tuple[str, str]] = field(default_factory=list)
    published: Sequence[tuple[float, ...]] = ()
    trust: dict[str, Any] = field(default_factory=dict)
    run: str = ""
    counts: dict[str, list[int]] = field(default_factory=dict)
    seen: list[dict[str, Any]] = field(default_factory=list)
    look: Look | None = None
    exported: dict[str, Any] | None = None
