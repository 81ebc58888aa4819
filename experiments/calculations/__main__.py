"""Run the calculations and store what they give: `python -m experiments.calculations [NAME...]`."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import yaml

from convscope.comparing.comparison import DOES_NOT, SHOWS, judge
from convscope.comparing.plan import expectation
from convscope.comparing.statistics import spread
from convscope.version import __version__

from . import calculate

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results"
PLANS = sorted(HERE.glob("*.yaml"))


def result(path: Path, seeds: int | None = None) -> dict[str, Any]:
    """Return what the calculation of a plan gives: its figures by seed, and a verdict per expectation."""
    plan = yaml.safe_load(path.read_text(encoding="utf-8"))
    runs = []
    for seed in range(seeds or plan["seeds"]):
        torch.manual_seed(seed)
        runs.append(getattr(calculate, path.stem.replace("-", "_"))(seed))
    verdicts = []
    for one in map(expectation, plan["expect"]):
        found = judge(one, [run[one.first] - run[one.second] for run in runs])
        # What does not depend on a seed is right or wrong after one run.
        far_enough = one.sign == "~" or abs(found.difference.mean) >= one.margin
        word = SHOWS if found.agree == found.difference.n and far_enough else DOES_NOT
        verdicts.append({**asdict(found), "word": word})
    figures = {name: asdict(spread([run[name] for run in runs])) for name in runs[0]}
    environment = {"convscope": __version__, "torch": torch.__version__, "cores": os.cpu_count()}
    return {"figures": figures, "verdicts": verdicts, "environment": environment}


def main(words: list[str]) -> None:
    """Run the calculations that are named, or all."""
    for path in PLANS:
        if not words or path.stem in words:
            text = json.dumps(result(path), indent=1, ensure_ascii=False)
            (RESULTS / f"{path.stem}.calculated.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
