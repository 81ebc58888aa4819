"""Choose the device that torch computes on: CPU, CUDA or MPS."""

from __future__ import annotations

import torch

from .errors import DeviceError, UsageError


def choose_device(name: str) -> torch.device:
    """Return the device of this name (`auto`: CUDA, else MPS, else the CPU); DeviceError if it is not available."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as problem:
        raise UsageError(f"unknown device '{name}': choose auto, cpu, cuda, cuda:0 or mps") from problem
    if device.type == "cuda" and not torch.cuda.is_available():
        raise DeviceError(f"--device {name}: this machine or this PyTorch has no CUDA; use --device cpu or auto")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(f"--device {name}: there are only {torch.cuda.device_count()} CUDA devices, counted from 0")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise DeviceError("--device mps: this machine or this PyTorch has no MPS; use --device cpu or auto")
    if device.type not in ("cpu", "cuda", "mps"):
        raise DeviceError(f"--device {name}: not supported; use cpu, cuda or mps")
    return device
