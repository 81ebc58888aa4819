"""Start a training by ConvScope or by another tool, each in a process of its own.

All run in the Python that runs the benchmark: `pip install '.[benchmarks]'` installs the other tools. A tool that is
not installed is left out, and a line says so.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from benchmarks import measure


@dataclass(frozen=True)
class Peer:
    """A module of benchmarks/peers, the packages that it needs, and its options and environment variables."""

    module: str
    packages: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)


PEERS = {
    "plain": Peer("plain"),
    "plain-bf16": Peer("plain", options=("--precision", "bf16")),
    "lightning": Peer("lightning_loop", ("lightning",)),
    "fastai": Peer("fastai_loop", ("fastai",)),
    "keras-tensorflow": Peer("keras_fit", ("keras", "tensorflow"), env={"KERAS_BACKEND": "tensorflow"}),
    "keras-torch": Peer("keras_fit", ("keras",), env={"KERAS_BACKEND": "torch"}),
    "timm": Peer("timm_loop", ("timm",)),
}


def installed(names: Sequence[str]) -> list[str]:
    """Return the named peers that are installed; print a line for each that is not."""
    there = []
    for name in names:
        missing = [package for package in PEERS[name].packages if find_spec(package) is None]
        if missing:
            print(f"{name} is left out: {', '.join(missing)} not installed (pip install 'convscope[benchmarks]')")
        else:
            there.append(name)
    return there


def run(name: str, task: str, data: Path, **options: object) -> measure.Result:
    """Run a peer's training of `task` on the folder `data`; options that are None are left out."""
    peer = PEERS[name]
    words: list[str | Path] = [sys.executable, "-m", f"benchmarks.peers.{peer.module}"]
    words += ["--task", task, "--data", data.resolve(), *peer.options]
    for option, value in options.items():
        words += [f"--{option}", str(value)] if value is not None else []
    return _tell(name, measure.run(words, env=peer.env))


def convscope(place: Path, *words: str | Path) -> measure.Result:
    """Run `convscope train ... --json` in the folder `place`; return its document, `test_top1` and `wall_seconds`."""
    found = measure.run([sys.executable, "-m", "convscope", "train", *words, "--json"], cwd=place)
    return _tell("convscope", {**found, "test_top1": found["test"]["top1"]})


def _tell(who: str, found: measure.Result) -> measure.Result:
    """Print a finished training on stderr: whole benchmarks take minutes."""
    rate, seconds = found["images_per_second"], found["train_seconds"]
    print(f"  {who}: {seconds:.1f} s, {rate:,.0f} images/s, {found['test_top1']:.1%}", file=sys.stderr, flush=True)
    return found
