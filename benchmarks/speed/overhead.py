"""Where does the time of a whole `convscope train` go, and is `--time-budget` kept?

    python -m benchmarks.speed.overhead DATA [--recipe fast] [--rounds 3] [--budgets 5 15 30 60] [--quick]

The command is `convscope train mnist --recipe fast`; beside it, in turn, a process that only imports torch and
torchvision. DATA holds MNIST/raw/*-ubyte(.gz).

Printed: the named parts that the command reports of itself (`timings` in its JSON), in seconds and as shares of the
wall time of the whole process, and what no part accounts for; then, for several budgets T of `--time-budget T`, the
seconds of the whole command and of its training part, divided by T, and the test accuracy.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks import datasets, measure, processes

IMPORTS = "import torch, torchvision; print('{}')"


def parts_of(run: measure.Result) -> dict[str, float]:
    """The seconds of the command's parts; where it names none, those of its training. The rest comes last."""
    parts = {name: float(seconds) for name, seconds in (run.get("timings") or {"train": run["train_seconds"]}).items()}
    return {**parts, "(not named)": run["wall_seconds"] - sum(parts.values())}


def show_parts(pairs: list[tuple[measure.Result, measure.Result]]) -> measure.Result:
    """Print where the time went; gives the figures."""
    runs = [first for first, _ in pairs]
    wall, imports = [run["wall_seconds"] for run in runs], [second["wall_seconds"] for _, second in pairs]
    print(f"{'whole command':24}", measure.text(wall, " s"))
    figures = {"whole command": measure.spread(wall), "import torch, torchvision": measure.spread(imports)}
    for name in parts_of(runs[0]):
        seconds = [parts_of(run).get(name, 0.0) for run in runs]
        share = [part / whole for part, whole in zip(seconds, wall, strict=True)]
        print(f"  {name:22}", f"{measure.text(seconds, ' s'):38}", measure.text(share, " %", 100, 1))
        figures[name] = measure.spread(seconds)
    print(f"{'import torch, torchvision':24}", measure.text(imports, " s"))
    without = [whole - run["train_seconds"] - bare for whole, run, bare in zip(wall, runs, imports, strict=True)]
    print("neither training nor those imports", measure.text(without, " s"))
    test = [run["test_top1"] for run in runs]
    print(f"test accuracy {measure.text(test, ' %', 100)}")
    return {**figures, "test_top1": measure.spread(test)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--recipe", default="fast")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--budgets", type=float, nargs="*", default=[5, 15, 30, 60])
    parser.add_argument("--quick", action="store_true", help="1,000 images, one round: to try it out, not to measure")
    given = parser.parse_args()
    rounds, budgets = (1, [5.0]) if given.quick else (given.rounds, given.budgets)
    result: measure.Result = {}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        data = datasets.mnist(given.data, place / "data", *((1000, 500) if given.quick else ()))
        train = partial(processes.convscope, place, "mnist", "--data-dir", data)
        result["parts"] = show_parts(
            measure.paired(
                lambda seed: train("--recipe", given.recipe, "--seed", str(seed)),
                lambda _: measure.run([sys.executable, "-c", IMPORTS]),
                rounds,
            )
        )
        for budget in budgets:
            runs = [train("--time-budget", f"{budget:g}s", "--seed", str(seed)) for seed in range(rounds)]
            values = {
                "whole command by T": [run["wall_seconds"] / budget for run in runs],
                "training by T": [run["train_seconds"] / budget for run in runs],
                "test accuracy": [run["test_top1"] for run in runs],
            }
            for name, numbers in values.items():
                print(f"--time-budget {budget:g}s, {name:18}", measure.text(numbers, digits=3))
            result[f"time budget {budget:g} s"] = {name: measure.spread(numbers) for name, numbers in values.items()}
    measure.write("overhead", result)


if __name__ == "__main__":
    main()
