"""How ConvScope and the tools that it is measured against are started: each training is a process of its own.

All of them run in the Python that runs the benchmark: `pip install '.[benchmarks]'` makes it ready. A tool that is not
there is left out, and a line says so.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import measure


@dataclass(frozen=True)
class Peer:
    """A script below peers/, what it needs installed, and how it is told apart."""

    script: str
    modules: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)


PEERS = {
    "plain": Peer("plain.py"),
    "plain-bf16": Peer("plain.py", options=("--precision", "bf16")),
    "lightning": Peer("lightning_loop.py", ("lightning",)),
    "fastai": Peer("fastai_loop.py", ("fastai",)),
    "keras-tensorflow": Peer("keras_fit.py", ("keras", "tensorflow"), env={"KERAS_BACKEND": "tensorflow"}),
    "keras-torch": Peer("keras_fit.py", ("keras",), env={"KERAS_BACKEND": "torch"}),
    "timm": Peer("timm_loop.py", ("timm",)),
}


def installed(names: Sequence[str]) -> list[str]:
    """Those of the named peers that can run here; a line says which cannot."""
    there = []
    for name in names:
        missing = [module for module in PEERS[name].modules if find_spec(module) is None]
        if missing:
            print(f"{name} is left out: {', '.join(missing)} not installed (pip install 'convscope[benchmarks]')")
        else:
            there.append(name)
    return there


def run(name: str, task: str, data: Path, **options: object) -> measure.Result:
    """A peer's training of `task` on `data`; options that are None are left out."""
    peer = PEERS[name]
    words: list[str | Path] = [sys.executable, Path(__file__).parent / "peers" / peer.script]
    words += ["--task", task, "--data", data.resolve(), *peer.options]
    for option, value in options.items():
        words += [f"--{option}", str(value)] if value is not None else []
    return _tell(name, measure.run(words, env=peer.env))


def convscope(place: Path, *words: str | Path) -> measure.Result:
    """`convscope train ... --json` in the folder `place`: what it prints, `test_top1` and `wall_seconds`."""
    found = measure.run([sys.executable, "-m", "convscope", "train", *words, "--json"], cwd=place)
    return _tell("convscope", {**found, "test_top1": found["test"]["top1"]})


def _tell(who: str, found: measure.Result) -> measure.Result:
    """Say on stderr that a training is done: whole benchmarks take minutes."""
    rate, seconds = found["images_per_second"], found["train_seconds"]
    print(f"  {who}: {seconds:.1f} s, {rate:,.0f} images/s, {found['test_top1']:.1%}", file=sys.stderr, flush=True)
    return found
