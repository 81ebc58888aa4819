"""How long does `convscope --help` take beside `python -c "import torch"`?

    python -m benchmarks.speed.startup [--runs 10]

Aim: under 0.3 s, where importing torch takes ten times that.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

from benchmarks import measure


def seconds(words: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=10)
    runs = parser.parse_args().runs
    commands = {
        "convscope --help": [sys.executable, "-m", "convscope", "--help"],
        "import torch": [sys.executable, "-c", "import torch"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(runs + 1):
        for name, words in commands.items():
            took = seconds(words)
            if number:  # the first round warms the file cache
                times[name].append(took)
    for name, values in times.items():
        print(f"{name:18}", measure.text(values, " s"))
    ratios = [torch / help for help, torch in zip(*times.values(), strict=True)]
    print("ratio             ", measure.text(ratios, digits=1))
    measure.write(
        "startup", {**{name: measure.spread(v) for name, v in times.items()}, "ratio": measure.spread(ratios)}
    )


if __name__ == "__main__":
    main()
