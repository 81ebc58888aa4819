"""Choose precision and memory layout (`--precision`, `--layout`): measure which trains this network fastest here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from ...evaluation.metrics import loss_of
from ...models.tools.copying import copy_network
from ..outputs import map_outputs
from .depthwise import with_quick_gradients
from .runtime import Runtime

# A lower precision is chosen only if its step takes less than this share of the time.
WORTH_IT = 0.9
# Enough pixels to keep every core of a CPU busy; of a batch of large photos only a part is tried there.
TRIAL_PIXELS = 128 * 1024
# Steps per trial, and the seconds after which a step is so long that it is not repeated.
STEPS, LONG_STEP = 3, 0.5
# The first step also compiles kernels, so it is not counted, unless it takes so many seconds that one step must do.
LONG_START = 3.0


def fastest_runtime(
    runtime: Runtime, network: nn.Module, images: Tensor, labels: Tensor, learning: bool = True
) -> Runtime:
    """Return the runtime with the precision and layout, where they are "auto", of the fastest trial steps.

    `images` (normalised, N x C x H x W) and `labels` are a batch on the device. The trials use a copy of the network
    and leave torch's random state as it was. Without `learning` a step has no way back.
    """
    choices = list(_choices(runtime))
    if len(choices) == 1:
        return choices[0]
    count = len(images)
    if runtime.device.type == "cpu":
        count = max(min(count, TRIAL_PIXELS // images[0, 0].numel()), 2)
    seconds = _seconds_by_choice(choices, network, (images[:count], labels[:count]), learning)
    chosen = choices[0]
    for choice, taken in seconds.items():
        margin = 1.0 if choice.precision == chosen.precision else WORTH_IT
        if taken < margin * seconds.get(chosen, float("inf")):
            chosen = choice
    figures = {f"{c.precision} {c.layout}": round(1000 * taken, 3) for c, taken in seconds.items()}
    return replace(chosen, measured=figures)


def seconds_per_image(
    runtime: Runtime, network: nn.Module, input_size: tuple[int, int, int], count: int, learning: bool = True
) -> float:
    """Return the time of a step with `count` images of random pixels, per image, as `fastest_runtime` would choose it.

    The network is on the device. 0 if it cannot take a step.
    """
    images = torch.rand(count, *input_size, device=runtime.device)
    labels = torch.zeros(count, dtype=torch.int64, device=runtime.device)
    seconds = _seconds_by_choice(list(_choices(runtime)), network, (images, labels), learning)
    return min(seconds.values(), default=0.0) / count


def _seconds_by_choice(
    choices: list[Runtime], network: nn.Module, batch: tuple[Tensor, Tensor], learning: bool
) -> dict[Runtime, float]:
    """Return the time of a trial step in each precision and layout that the network can take one in."""
    seconds: dict[Runtime, float] = {}
    device = choices[0].device
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        for choice in choices:
            best = min(seconds.values(), default=float("inf"))
            try:
                seconds[choice] = _seconds_per_step(choice, network, batch, 1.5 * best, learning)
            except RuntimeError:  # an operation of this network does not exist in this precision on this device
                continue
    return seconds


def usual_runtime(runtime: Runtime) -> Runtime:
    """Return the runtime with the usual precision of the device where it is "auto", without a trial."""
    usual = _lower_precisions(runtime.device)[0] if runtime.device.type == "cuda" else "float32"
    return replace(
        runtime,
        precision=usual if runtime.precision == "auto" else runtime.precision,
        layout="contiguous" if runtime.layout == "auto" else runtime.layout,
    )


def _choices(runtime: Runtime) -> Iterator[Runtime]:
    """Yield every sensible combination of the precisions and layouts that are left open, the most exact first."""
    precisions = [runtime.precision] if runtime.precision != "auto" else ["float32", *_lower_precisions(runtime.device)]
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


def _seconds_per_step(
    choice: Runtime, network: nn.Module, batch: tuple[Tensor, Tensor], too_long: float, learning: bool
) -> float:
    """Return the time of the fastest of a few steps, after one that compiles kernels; stop early if they are long."""
    trial = choice.to_device(copy_network(network)).train(learning)
    if not learning:
        trial.requires_grad_(False)
    images, labels, loss_of_trial = choice.lay_out(batch[0]), batch[1], loss_of(network)
    forward = with_quick_gradients(trial)
    best = float("inf")
    for number in range(1 + STEPS):
        start = time.perf_counter()
        with choice.autocast():
            loss = loss_of_trial(map_outputs(Tensor.float, forward(images)), labels)
        if learning:
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
