"""Where and how a training computes: device, precision, memory layout, memory, seed."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import random
import sys
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..devices import choose_device
from ..errors import UsageError

PRECISIONS = ("auto", "bf16", "fp16", "float32")
LAYOUTS = ("auto", "contiguous", "channels-last")
_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Runtime:
    """A device, a precision and a memory layout.

    `bf16` and `fp16` are autocast to those types with the weights kept in float32. `measured` has the milliseconds of a
    trial step for each of the choices that were tried, if the choice was left open.
    """

    device: torch.device
    precision: str
    layout: str = "contiguous"
    measured: dict[str, float] = field(default_factory=dict, compare=False)

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """The context that the forward pass and the loss run in."""
        if self.precision not in _TYPES:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, _TYPES[self.precision])

    def gradient_scaler(self) -> torch.amp.GradScaler:
        """What keeps small gradients from vanishing in fp16; it does nothing in the other precisions."""
        return torch.amp.GradScaler(self.device.type, enabled=self.precision == "fp16")

    def place(self, network: nn.Module) -> nn.Module:
        """The network on the device, its kernels in the layout."""
        return network.to(self.device).to(memory_format=self.memory_format)

    def lay_out(self, images: Tensor) -> Tensor:
        """A batch N x C x H x W in the layout."""
        return images.contiguous(memory_format=self.memory_format)

    def compiled(self, network: nn.Module) -> nn.Module:
        """The same network, compiled; on CUDA as graphs that are launched whole."""
        return torch.compile(network, mode="reduce-overhead" if self.device.type == "cuda" else "default")  # type: ignore[return-value]

    @property
    def memory_format(self) -> torch.memory_format:
        """The layout as torch calls it."""
        return torch.channels_last if self.layout == "channels-last" else torch.contiguous_format


def choose_runtime(device: str = "auto", precision: str = "auto", layout: str = "auto") -> Runtime:
    """The best device, or the one that was asked for; DeviceError if that is not there.

    A precision or layout that stays "auto" is for `precision.measure` to choose.
    """
    place = choose_device(device)
    if precision not in PRECISIONS:
        raise UsageError(f"unknown precision '{precision}': choose {', '.join(PRECISIONS)}")
    if layout not in LAYOUTS:
        raise UsageError(f"unknown layout '{layout}': choose {', '.join(LAYOUTS)}")
    return Runtime(place, precision, layout)


def keep_memory() -> None:
    """Let malloc keep what is freed instead of giving it back to the system.

    Every step frees and takes the same blocks again. By default glibc maps and unmaps the large ones each time, and the
    page faults of that cost a training on a CPU up to 14 % (benchmarks/LOG.md). Other C libraries are left as they are.
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
    """Seed Python, NumPy and torch; `deterministic` also forbids operations whose result may vary from run to run."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
    if deterministic != torch.are_deterministic_algorithms_enabled():  # the call alone imports for a second
        torch.use_deterministic_algorithms(deterministic)
    torch.backends.cudnn.benchmark = not deterministic
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


def describe_environment(runtime: Runtime) -> dict[str, Any]:
    """Versions, processor and settings, for `env.json`: what somebody needs to understand or repeat a run."""
    packages = ("convscope", "torch", "torchvision", "numpy", "pillow", "safetensors")
    return {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "device": str(runtime.device),
        "device_name": torch.cuda.get_device_name(runtime.device) if runtime.device.type == "cuda" else "",
        "precision": runtime.precision,
        "layout": runtime.layout,
        "measured_step_ms": runtime.measured,
        "threads": torch.get_num_threads(),
        "packages": {name: _version(name) for name in packages},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
