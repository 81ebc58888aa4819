"""What does a trace with all outputs, or the arithmetic of one value, cost beside a plain forward pass?

    python -m benchmarks.speed.insight [--rounds 50] [--quick]

One image, one thread. Printed, one line per network, in milliseconds over the rounds, each after a warm-up: the forward
pass, the trace, their ratio, and the arithmetic of one value of the last convolution.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from time import perf_counter

import torch

import convscope as cs
from benchmarks import measure
from convscope.insight import arithmetic, trace

NETWORKS = ["lenet_relu", "lenet5", "mnist_fast", "resnet18", "googlenet", "densenet121"]
SIZES = {"lenet_relu": (1, 32, 32), "lenet5": (1, 32, 32), "mnist_fast": (1, 28, 28)}


def seconds(work: Callable[[], object], rounds: int) -> list[float]:
    """The wall time of each round."""
    work()
    times = []
    for _ in range(rounds):
        started = perf_counter()
        work()
        times.append(perf_counter() - started)
    return times


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--quick", action="store_true", help="two rounds: to try it out, not to measure")
    given = parser.parse_args()
    rounds = 2 if given.quick else given.rounds
    torch.set_num_threads(1)
    figures = {}
    for name in NETWORKS:
        network, images = cs.create_model(name).eval(), torch.rand(1, *SIZES.get(name, (3, 224, 224)))
        with torch.no_grad():
            forward = seconds(partial(network, images), rounds)
        traced = seconds(partial(trace, network, images), rounds)
        seen = trace(network, images)
        layer = [node for node in seen.nodes if node.kind == "conv"][-1]
        apart = seconds(partial(arithmetic, seen, layer.name, 0, 0, 0), rounds)
        ratio = [t / f for t, f in zip(traced, forward, strict=True)]
        parts = {"forward": forward, "trace": traced, "arithmetic": apart}
        words = [f"{part} {measure.text(times, ' ms', 1000)}" for part, times in parts.items()]
        print(f"{name:12}", *words, f"trace/forward {measure.text(ratio)}", sep="  ")
        figures[name] = {part: measure.spread(times) for part, times in parts.items()}
    if not given.quick:
        measure.write("insight", {"rounds": rounds, "seconds": figures})


if __name__ == "__main__":
    main()
