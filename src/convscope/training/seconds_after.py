"""How long a training's end takes, so that a time budget holds for the whole command: predicted from a small trial."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import nn

from ..data.batches import sample_count
from ..data.decoded import Decoded
from ..evaluation import evaluate
from ..evaluation.fit_abstention import stored_images
from ..evaluation.report.look import look_seconds
from ..evaluation.tta import VIEWS
from .context import TrainingContext
from .loop.ema import NORM_IMAGES
from .poor_results import judged_count
from .prepare.prepare_data import PreparedData

# Writing the bundle and the report, with the import of the libraries for it, on a machine that does nothing else.
REPORT_SECONDS = 1.5
# A weight is written as part of the best and of the last checkpoint, read and written again as part of the bundle.
SECONDS_PER_WEIGHT = 1e-7
# Images of the trial, and the seconds of it that are enough.
TRIAL_IMAGES, TRIAL_SECONDS, TRIALS = 64, 0.2, 5
# It may take this much longer than predicted.
MARGIN = 1.1


def seconds_after(context: TrainingContext, prepared: PreparedData, network: nn.Module) -> float:
    """Return about how long the last validation, the evaluation and the report will take if nothing else runs."""
    seconds = REPORT_SECONDS + SECONDS_PER_WEIGHT * sum(p.numel() for p in network.parameters())
    if images := images_after(context, prepared):
        single = _seconds_per_image(context, prepared, network)
        seconds += images * single + look_seconds(single)
    return MARGIN * seconds


def images_after(context: TrainingContext, prepared: PreparedData) -> int:
    """Return how many images go through the network after the last step."""
    recipe, parts, preprocess = context.recipe, prepared.parts, prepared.preprocess
    counts = {name: len(part) for name, part in parts.items() if name != "train"}
    if not counts:
        return 0
    views = VIEWS[recipe.tta]
    images = sum(counts.values()) * (1 if views is None else 1 + len(views(torch.zeros(1, 1, 3, 3))))
    measured = ("val", "test") if recipe.validation == "none" else ("val",)
    images += sum(len(prepared.choosing.get(name, ())) for name in measured)
    images += judged_count(next(iter(counts.values())), preprocess)
    if "val" in parts and len(tested := prepared.cut_val[1]):  # when to say "unknown"
        images += len(tested) + stored_images(len(parts["train"]), preprocess)
    return images + (sample_count(NORM_IMAGES, len(parts["train"]), preprocess) if recipe.ema_decay else 0)


def _seconds_per_image(context: TrainingContext, prepared: PreparedData, network: nn.Module) -> float:
    """Return the time of an evaluation per image if nothing else runs, from the quickest of some trials."""
    clock, n = context.clock, TRIAL_IMAGES
    part = next(part for name, part in prepared.parts.items() if name != "train")
    few = Decoded(part.pixels[:n], part.labels[:n], part.names[:n], [], [])  # may have to be decoded

    def trial() -> object:
        return evaluate(network, few, prepared.preprocess, prepared.data.class_names, context.runtime.device)

    # Seconds of this thread on a processor, which other programs do not lengthen; a device has its own.
    timer = time.thread_time if context.runtime.device.type == "cpu" else time.perf_counter
    with clock.computing():
        return _quickest(trial, timer) / len(few)


def _quickest(trial: Callable[[], object], timer: Callable[[], float]) -> float:
    """Return the time of the quickest of some trials behind the first, which compiles kernels."""
    trial()
    taken: list[float] = []
    while not taken or (len(taken) < TRIALS and sum(taken) < TRIAL_SECONDS):
        start = timer()
        trial()
        taken.append(timer() - start)
    return min(taken)
