"""Which precision and memory layout this processor trains this network fastest with: tried, not guessed."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from ..evaluation.metrics import loss_of
from .runtime import Runtime

# A lower precision has to earn its place: by less than this it stays with the higher one.
WORTH_IT = 0.9
# Enough pixels to keep every core busy; a batch of large photos is tried in part.
TRIAL_PIXELS = 128 * 1024
STEPS, LONG_STEP = 3, 0.5
# The first pass also makes ready what later ones only use: how long it takes counts where nobody wants to see a second.
LONG_START = 3.0


def measure(runtime: Runtime, network: nn.Module, images: Tensor, labels: Tensor) -> Runtime:
    """The runtime with its open choices made by the time of a few forward and backward passes.

    `images` (normalised, N x C x H x W) and `labels` are a batch on the device. Works on a copy of the network, and
    leaves torch's random numbers as they were.
    """
    choices = list(_choices(runtime))
    if len(choices) == 1:
        return choices[0]
    count = max(min(len(images), TRIAL_PIXELS // images[0, 0].numel()), 2)
    seconds: dict[Runtime, float] = {}
    with torch.random.fork_rng([runtime.device] if runtime.device.type == "cuda" else []):
        for choice in choices:
            best = min(seconds.values(), default=float("inf"))
            try:
                seconds[choice] = _seconds_a_step(choice, network, images[:count], labels[:count], 1.5 * best)
            except RuntimeError:  # some operation of this network does not exist in this precision here
                continue
    chosen = choices[0]
    for choice, taken in seconds.items():
        margin = 1.0 if choice.precision == chosen.precision else WORTH_IT
        if taken < margin * seconds.get(chosen, float("inf")):
            chosen = choice
    figures = {f"{c.precision} {c.layout}": round(1000 * taken, 3) for c, taken in seconds.items()}
    return replace(chosen, measured=figures)


def _choices(runtime: Runtime) -> Iterator[Runtime]:
    """Every precision and layout that is open and makes sense, the most exact first."""
    place = runtime.device
    precisions = [runtime.precision] if runtime.precision != "auto" else ["float32", *_lower_precisions(place)]
    for precision in precisions:
        # The lower precisions are made for channels-last kernels.
        usual = ["contiguous", "channels-last"] if precision == "float32" else ["channels-last"]
        for layout in usual if runtime.layout == "auto" else [runtime.layout]:
            yield replace(runtime, precision=precision, layout=layout)


def _lower_precisions(device: torch.device) -> list[str]:
    if device.type == "cuda":
        # Before compute capability 8.0 tensor cores take fp16 only; bf16 would be emulated.
        return ["bf16"] if torch.cuda.is_bf16_supported(including_emulation=False) else ["fp16"]
    return ["bf16"]


def _seconds_a_step(choice: Runtime, network: nn.Module, images: Tensor, labels: Tensor, too_long: float) -> float:
    """The quickest of a few passes, after one that compiles the kernels; fewer if they are hopeless or long."""
    trial = choice.place(copy.deepcopy(network)).train()
    images, loss_of_trial = choice.lay_out(images), loss_of(network)
    best = float("inf")
    for number in range(1 + STEPS):
        start = time.perf_counter()
        with choice.autocast():
            loss = loss_of_trial(tree_map(Tensor.float, trial(images)), labels)
        loss.backward()
        if choice.device.type != "cpu":
            loss.item()  # waits until the device has finished
        trial.zero_grad()
        taken = time.perf_counter() - start
        if number or taken > LONG_START:
            best = min(best, taken)
            if taken > min(too_long, LONG_STEP):
                break
    return best
