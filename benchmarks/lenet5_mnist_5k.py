"""`make demo` over five seeds: LeNet-5 (1998) on the bundled MNIST subset, with no option given.

    python benchmarks/lenet5_mnist_5k.py [--seeds 5]

Aim: at least 98 % of the test split, mean of five seeds, in under a minute of training on two cores.
"""

from __future__ import annotations

import argparse
import tempfile

import measure

import convscope as cs


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    seeds = range(parser.parse_args().seeds)
    with tempfile.TemporaryDirectory() as place:
        runs = [cs.train("mnist-5k", "lenet5", seed=seed, output=place, show=False).metrics for seed in seeds]
    for run in runs:
        seconds = run["train_seconds"]
        print(f"seed {run['seed']}: test {run['test']['top1']:.2%}, val {run['val']['top1']:.2%}, {seconds:.1f} s")
    test = [run["test"]["top1"] for run in runs]
    seconds = [run["train_seconds"] for run in runs]
    print("test accuracy    ", measure.text(test, " %", 100))
    print("training seconds ", measure.text(seconds, " s", digits=1))
    measure.write("lenet5_mnist_5k", {"test_top1": measure.spread(test), "train_seconds": measure.spread(seconds)})


if __name__ == "__main__":
    main()
