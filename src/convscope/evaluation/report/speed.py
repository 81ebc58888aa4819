"""How long one image takes here, by itself."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import nn

from ...data.preprocess import Preprocess
from ...prediction import logits_of

# One image again and again, after some that are not counted; fewer times if they take longer than this together.
WARM_UP, TIMES, FEWEST, SECONDS = 3, 30, 5, 1.0


@torch.no_grad()
def single_image_speed(network: nn.Module, preprocess: Preprocess, device: torch.device) -> dict[str, Any]:
    """Return `median_ms` with its quartiles `low_ms` and `high_ms` over `n` times, `device` and `threads`.

    From uint8 pixels to logits: reading, decoding and resizing of a file come on top.
    """
    network.eval()
    pixels = torch.zeros(1, *preprocess.input_size, dtype=torch.uint8)
    seconds: list[float] = []
    began = time.perf_counter()
    for i in range(WARM_UP + TIMES):
        start = time.perf_counter()
        logits_of(network, preprocess, pixels, device)  # on the CPU: it waits for the device
        if i >= WARM_UP:
            seconds.append(time.perf_counter() - start)
        if len(seconds) >= FEWEST and time.perf_counter() - began > SECONDS:
            break
    low, median, high = torch.tensor(seconds).double().mul(1000).quantile(torch.tensor([0.25, 0.5, 0.75]).double())
    return {
        "n": len(seconds),
        "median_ms": float(median),
        "low_ms": float(low),
        "high_ms": float(high),
        "device": str(device),
        "threads": torch.get_num_threads(),
    }
