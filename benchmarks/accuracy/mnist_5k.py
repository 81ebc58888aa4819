"""How accurate is `make demo`, over five seeds, and how accurate is another network on the same digits?

    python -m benchmarks.accuracy.mnist_5k [--model lenet5] [--seeds 5]

4,000 digits to train, 500 to choose the epoch, 500 measured once at the end. Aims on two cores: with nothing said, more
than LeNet-5's 98 % in a quarter of its time; with `--model lenet5`, the 1998 network, 98 % in under a minute.
"""

from __future__ import annotations

import argparse
import tempfile

import convscope as cs
from benchmarks import measure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model")
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        seeds = range(given.seeds)
        runs = [cs.train("mnist-5k", given.model, seed=seed, output=place, show=False).metrics for seed in seeds]
    for run in runs:
        seconds = run["train_seconds"]
        print(f"seed {run['seed']}: test {run['test']['top1']:.2%}, val {run['val']['top1']:.2%}, {seconds:.1f} s")
    test = [run["test"]["top1"] for run in runs]
    seconds = [run["train_seconds"] for run in runs]
    print(runs[0]["model"], runs[0]["epochs"], "epochs,", runs[0]["precision"])
    print("test accuracy    ", measure.text(test, " %", 100))
    print("training seconds ", measure.text(seconds, " s", digits=1))
    name = f"mnist_5k_{runs[0]['model']}"
    measure.write(name, {"test_top1": measure.spread(test), "train_seconds": measure.spread(seconds)})


if __name__ == "__main__":
    main()
