"""Does LeNet-5 (1998) reach the paper's accuracy on full MNIST?

    python -m benchmarks.accuracy.lenet5_mnist DATA_DIR [--seeds 3] [--epochs 20]

Aim: at least 98.9 % (the paper: 99.05 % after 20 passes with second-order steps). Trained here with AdamW, one-cycle
rate, affine augmentation and the paper's discriminative loss (eq. 9): the product's defaults.
"""

from __future__ import annotations

import argparse
import tempfile

import convscope as cs
from benchmarks import measure


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data_dir")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    given = parser.parse_args()
    runs = []
    with tempfile.TemporaryDirectory() as place:
        for seed in range(given.seeds):
            options = {"data_dir": given.data_dir, "epochs": given.epochs, "seed": seed}
            runs.append(cs.train("mnist", "lenet5", output=place, show=False, **options).metrics)
            print(f"seed {seed}: test {runs[-1]['test']['top1']:.2%}, {runs[-1]['train_seconds']:.0f} s", flush=True)
    test = [run["test"]["top1"] for run in runs]
    seconds = [run["train_seconds"] for run in runs]
    print("test accuracy    ", measure.text(test, " %", 100))
    print("training seconds ", measure.text(seconds, " s", digits=0))
    measure.write("lenet5_mnist", {"test_top1": measure.spread(test), "train_seconds": measure.spread(seconds)})


if __name__ == "__main__":
    main()
