"""Measure commands: n, mean and deviation, pairs run in turn, and the machine that they were measured on."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

Result = dict[str, Any]
# The repository: a process that a benchmark starts finds the package `benchmarks` there, whatever its folder.
ROOT = Path(__file__).parents[1]


class CommandFailedError(Exception):
    """A measured command failed; the text is the command and the last line of its output."""


def spread(values: Sequence[float]) -> dict[str, float]:
    """`n`, `mean`, `deviation` (of a sample; 0 for one value), `min`, `max`."""
    return {
        "n": len(values),
        "mean": statistics.mean(values),
        "deviation": statistics.stdev(values) if len(values) > 1 else 0.0,
        "min": min(values),
        "max": max(values),
    }


def text(values: Sequence[float], unit: str = "", scale: float = 1.0, digits: int = 2) -> str:
    """98.40 ± 0.26 % (n = 5, 98.0 to 98.6)."""
    s = spread([scale * value for value in values])
    return (
        f"{s['mean']:,.{digits}f} ± {s['deviation']:,.{digits}f}{unit} "
        f"(n = {s['n']}, {s['min']:,.{digits}f} to {s['max']:,.{digits}f})"
    )


def run(words: Sequence[str | Path], cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Result:
    """Run a command as a process of its own.

    Gives the JSON document that it prints (alone, or as its last line) and `wall_seconds`, from start to end of the
    process. Raises CommandFailedError if it fails or prints no such document.
    """
    start = time.perf_counter()
    modules = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": modules, **(env or {})}
    done = subprocess.run([str(word) for word in words], cwd=cwd, env=environment, capture_output=True, text=True)
    wall = time.perf_counter() - start
    said = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()[-1]
    what = " ".join(Path(str(word)).name for word in words[1:4])
    if done.returncode:
        raise CommandFailedError(f"{what}: {said}")
    for document in (done.stdout, (done.stdout.strip().splitlines() or [""])[-1]):
        try:
            return {**json.loads(document), "wall_seconds": wall}
        except (ValueError, TypeError):
            continue
    raise CommandFailedError(f"{what}: no JSON document was printed: {said}")


def paired(ours: Callable[[int], Result], theirs: Callable[[int], Result], rounds: int) -> list[tuple[Result, Result]]:
    """Ours, theirs, ours, theirs ...: neighbours in time, so that a slow minute of the machine hits both alike.

    Each is called with the number of the round, from 0.
    """
    return [(ours(number), theirs(number)) for number in range(rounds)]


def ratios(pairs: Sequence[tuple[Result, Result]], key: str) -> list[float]:
    """Ours by theirs, pair by pair."""
    return [ours[key] / theirs[key] for ours, theirs in pairs]


def versions(*packages: str) -> dict[str, str]:
    """The installed versions of packages; those that are not there are left out."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def peer_versions(results: Iterable[Result]) -> dict[str, str]:
    """Print and give the versions that the peers' results report."""
    found: dict[str, str] = {}
    for result in results:
        found |= result.get("versions", {})
    print("versions:", ", ".join(f"{name} {number}" for name, number in sorted(found.items())))
    return found


def machine() -> dict[str, Any]:
    """Processor, threads and versions."""
    import torch  # here, since a process that only starts others is better small

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
        **versions("torchvision", "numpy", "convscope"),
    }


def write(name: str, result: dict[str, Any]) -> None:
    """Keep a result below the current folder, as JSON, and say where."""
    path = Path("runs") / "benchmarks" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**result, "machine": machine()}, indent=2) + "\n", encoding="utf-8")
    print(f"{path}  ({machine()})")
