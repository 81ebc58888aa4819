"""What the figures have in common: n, mean, deviation, and the machine they were measured on."""

from __future__ import annotations

import json
import platform
import statistics
from pathlib import Path
from typing import Any

import torch


def spread(values: list[float]) -> dict[str, float]:
    """`n`, `mean`, `deviation` (of a sample; 0 for one value), `min`, `max`."""
    return {
        "n": len(values),
        "mean": statistics.mean(values),
        "deviation": statistics.stdev(values) if len(values) > 1 else 0.0,
        "min": min(values),
        "max": max(values),
    }


def text(values: list[float], unit: str = "", scale: float = 1.0, digits: int = 2) -> str:
    """98.40 ± 0.26 % (n = 5, 98.0 to 98.6)."""
    s = spread([scale * value for value in values])
    return (
        f"{s['mean']:.{digits}f} ± {s['deviation']:.{digits}f}{unit} "
        f"(n = {s['n']}, {s['min']:.{digits}f} to {s['max']:.{digits}f})"
    )


def machine() -> dict[str, Any]:
    """Processor, threads and versions."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0] if names else model
    return {
        "processor": model,
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def write(name: str, result: dict[str, Any]) -> None:
    """Keep a result beside the benchmarks, as JSON, and say where."""
    path = Path("runs") / "benchmarks" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**result, "machine": machine()}, indent=2) + "\n", encoding="utf-8")
    print(f"{path}  ({machine()})")
