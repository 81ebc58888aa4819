"""Where and how a training computes: device, precision, memory layout, seed."""

from __future__ import annotations

import contextlib
import os
import platform
import random
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import torch
from torch import nn

from ..devices import choose_device
from ..errors import UsageError

PRECISIONS = ("auto", "bf16", "float32")


@dataclass(frozen=True)
class Runtime:
    """A device and a precision: `bf16` is autocast to bfloat16 with the weights kept in float32."""

    device: torch.device
    precision: str

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """The context that the forward pass and the loss run in."""
        if self.precision == "float32":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    def place(self, network: nn.Module) -> nn.Module:
        """The network on the device, with channels-last kernels where bf16 convolutions are fastest with them."""
        network = network.to(self.device)
        return network.to(memory_format=torch.channels_last) if self.precision == "bf16" else network


def choose_runtime(device: str = "auto", precision: str = "auto") -> Runtime:
    """The best device and the precision that it does well, or what was asked for; DeviceError if that is not there."""
    place = choose_device(device)
    if precision not in PRECISIONS:
        raise UsageError(f"unknown precision '{precision}': choose {', '.join(PRECISIONS)}")
    if precision == "auto":
        precision = "bf16" if _has_bf16(place) else "float32"
    return Runtime(place, precision)


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        capability = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
        return bool(capability.get("avx512_bf16") or capability.get("amx_bf16"))
    return False


def seed_everything(seed: int, deterministic: bool) -> None:
    """Seed Python, NumPy and torch; `deterministic` also forbids operations whose result may vary from run to run."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
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
        "threads": torch.get_num_threads(),
        "packages": {name: _version(name) for name in packages},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
