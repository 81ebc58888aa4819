"""The hardware settings of a training: device, precision, memory layout, memory allocation and seed."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import sys
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...choices import LAYOUTS, PRECISIONS
from ...devices import choose_device
from ...errors import UsageError

_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Runtime:
    """A device, a precision and a memory layout.

    `bf16` and `fp16` mean autocast to those types, with weights in float32. `measured` has the milliseconds of a trial
    step for each combination that `fastest_runtime` tried.
    """

    device: torch.device
    precision: str
    layout: str = "contiguous"
    measured: dict[str, float] = field(default_factory=dict, compare=False)

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """Return the context for the forward pass and the loss."""
        if self.precision not in _TYPES:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, _TYPES[self.precision])

    def gradient_scaler(self) -> torch.amp.GradScaler:
        """Return the scaler that keeps small gradients from vanishing in fp16; in other precisions it does nothing."""
        return torch.amp.GradScaler(self.device.type, enabled=self.precision == "fp16")

    def to_device(self, network: nn.Module) -> nn.Module:
        """Move the network to the device, its kernels in the layout."""
        return network.to(self.device).to(memory_format=self.memory_format)

    def make_current(self) -> None:
        """Make this torch's current CUDA device: checkpoints keep its random state, pinned memory belongs to it."""
        if self.device.type == "cuda" and self.device.index is not None:
            torch.cuda.set_device(self.device)

    def lay_out(self, images: Tensor) -> Tensor:
        """Return a batch N x C x H x W in the layout."""
        return images.contiguous(memory_format=self.memory_format)

    def compiled(self, network: nn.Module) -> nn.Module:
        """Return the network, compiled; on CUDA as CUDA graphs."""
        return torch.compile(network, mode="reduce-overhead" if self.device.type == "cuda" else "default")  # type: ignore[return-value]

    @property
    def memory_format(self) -> torch.memory_format:
        """The layout by torch's name."""
        return torch.channels_last if self.layout == "channels-last" else torch.contiguous_format


def choose_runtime(device: str = "auto", precision: str = "auto", layout: str = "auto") -> Runtime:
    """Return the runtime for a device, by default the fastest kind; DeviceError if it does not exist.

    A precision or layout "auto" is left for `precision.fastest_runtime` to choose.
    """
    if precision not in PRECISIONS:
        raise UsageError(f"unknown precision '{precision}': choose {', '.join(PRECISIONS)}")
    if layout not in LAYOUTS:
        raise UsageError(f"unknown layout '{layout}': choose {', '.join(LAYOUTS)}")
    return Runtime(choose_device(device), precision, layout)


def forget_peak_memory() -> None:
    """Begin to measure the largest number of bytes on the CUDA devices: each training has its own."""
    for number in _used_devices():
        torch.cuda.reset_peak_memory_stats(number)


def peak_memory() -> dict[str, int]:
    """Return the largest number of bytes that this process's tensors took on a CUDA device; nothing elsewhere."""
    used = [torch.cuda.max_memory_allocated(number) for number in _used_devices()]
    return {"peak_device_bytes": max(used)} if any(used) else {}


def _used_devices() -> range:
    return range(torch.cuda.device_count() if torch.cuda.is_initialized() else 0)


def keep_freed_memory() -> None:
    """Let malloc keep freed memory instead of giving it back to the system.

    Every step frees and allocates the same blocks again. By default glibc maps and unmaps the large ones each time, and
    the page faults cost a training on a CPU up to 14 % (benchmarks/LOG.md). Other C libraries are left as they are.
    """
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        trim_threshold, top_pad, mmap_max = -1, -2, -4
        mallopt(mmap_max, 0)
        mallopt(trim_threshold, 2**31 - 1)
        mallopt(top_pad, 2**28)


def seed_everything(seed: int, deterministic: bool) -> None:
    """Seed Python, NumPy and torch; `deterministic` also forbids operations whose result may differ between runs."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
    if deterministic != torch.are_deterministic_algorithms_enabled():  # the call alone imports for a second
        torch.use_deterministic_algorithms(deterministic)
    torch.backends.cudnn.benchmark = not deterministic
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
