"""Whether the exported graph beside a run's classifier gives the same answers, and how long one image takes with it."""

from __future__ import annotations

import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...data.decoding.pixels import Pixels
from ...errors import ConvScopeError
from ...onnx_graph import graph_of
from ...predictor import open_predictor
from ..metrics import Evaluation
from ..multi_label import MultiLabelEvaluation
from .pictures import fetched
from .speed import TIMES, WARM_UP

MOST_IMAGES = 200


def export_parity(bundle: Path, pixels: Pixels, evaluation: Evaluation | MultiLabelEvaluation) -> dict[str, Any] | None:
    """Compare the graph in `bundle` with an evaluation of its classifier on up to 200 of the images (uint8 pixels).

    Returns `n`, `same_answer`, the largest `difference` of a probability, and `median_ms` for one image. None without
    a graph that was made from this classifier, or without ONNX Runtime.
    """
    if graph_of(bundle) is None or find_spec("onnxruntime") is None:
        return None
    try:
        predictor = open_predictor(bundle)
    except ConvScopeError:  # made from other weights: `export` says so where it is used
        return None
    count = min(len(evaluation.labels), MOST_IMAGES)
    places = torch.linspace(0, len(evaluation.labels) - 1, count).round().long()
    images = list(fetched(pixels, places).permute(0, 2, 3, 1).numpy())
    found = np.concatenate([predictor.run(images[i : i + 32]).probabilities for i in range(0, count, 32)])
    expected = evaluation.probabilities[places].numpy()
    answers = [evaluation.task.selected(torch.from_numpy(p)) if isinstance(evaluation, MultiLabelEvaluation)
               else torch.from_numpy(p).argmax(1, keepdim=True) for p in (found, expected)]  # fmt: skip
    seconds = []
    for _ in range(WARM_UP + TIMES):
        start = time.perf_counter()
        predictor.run(images[:1])
        seconds.append(time.perf_counter() - start)
    return {
        "n": count,
        "same_answer": int((answers[0] == answers[1]).all(1).sum()),
        "difference": float(np.abs(found - expected).max()),
        "median_ms": 1000 * float(np.median(seconds[WARM_UP:])),
    }
