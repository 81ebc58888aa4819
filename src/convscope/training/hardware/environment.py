"""The environment of a run, for `env.json`: what somebody needs to understand or repeat it."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

from ...distributed import launch_id
from .runtime import Runtime

PACKAGES = ("convscope", "torch", "torchvision", "numpy", "pillow", "safetensors")


def describe_environment(runtime: Runtime, data: str = "", processes: int = 1) -> dict[str, Any]:
    """Return versions, processor, settings and the number of processes; the whole path of `data` if that is a path."""
    return {
        **({"data_path": os.path.abspath(data)} if data and os.path.lexists(data) else {}),  # noqa: PTH100
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "device": str(runtime.device),
        "device_name": torch.cuda.get_device_name(runtime.device) if runtime.device.type == "cuda" else "",
        "precision": runtime.precision,
        "layout": runtime.layout,
        "measured_step_ms": runtime.measured,
        "processes": processes,
        "launch": launch_id(),
        "threads": torch.get_num_threads(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
