"""Train LeNet in NumPy on handwritten digits: forward, error, backward, step. `python -m convscope.scratch`."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .lenet import Network, lenet_relu
from .losses import cross_entropy
from .sgd import SGD
from .windows import Array

DIGITS = Path(__file__).parents[1] / "data" / "bundled" / "digits.npz"
BATCH, LR, MOMENTUM, WEIGHT_DECAY = 16, 0.02, 0.9, 5e-4


class Split(NamedTuple):
    """Images, N x 1 x 32 x 32, and their labels, N."""

    images: Array
    labels: Array


def load_digits() -> tuple[Split, Split, Split]:
    """Return the 1,797 bundled handwritten digits, shuffled: 1,257 for training, 180 for validation, 360 for the test.

    They have 8 x 8 pixels with values 0..16. Each pixel becomes a square of 3 x 3, and a border of 4 pixels makes them
    32 x 32: LeNet's input is larger than the digit, so that kernels can also lie on its edge.
    """
    with np.load(DIGITS, allow_pickle=False) as arrays:
        digits, labels = arrays["images"], arrays["labels"]
    order = np.random.default_rng(0).permutation(len(labels))
    large = np.kron(digits[order] / 16, np.ones((3, 3)))  # N x 24 x 24
    images = np.pad(large, ((0, 0), (4, 4), (4, 4)))[:, None]  # N x 1 x 32 x 32
    labels = labels[order].astype(np.int64)
    test = Split(images[:360], labels[:360])
    validation = Split(images[360:540], labels[360:540])
    training = Split(images[540:], labels[540:])
    return training, validation, test


def shift(images: Array, rng: np.random.Generator) -> Array:
    """Return each image moved by up to 2 pixels, for which the border has room: the same digits as new images."""
    moves = rng.integers(-2, 3, (len(images), 2))
    return np.stack([np.roll(image, move, axis=(1, 2)) for image, move in zip(images, moves, strict=True)])


def train_epoch(network: Network, optimizer: SGD, data: Split, rng: np.random.Generator) -> float:
    """Train once on all images, shifted, in a new order; return the mean error."""
    network.set_training(True)
    total = 0.0
    order = rng.permutation(len(data.labels))
    for start in range(0, len(order), BATCH):
        batch = order[start : start + BATCH]
        logits = network.forward(shift(data.images[batch], rng))
        error, dlogits = cross_entropy(logits, data.labels[batch])
        network.backward(dlogits)
        optimizer.step(network.gradients())
        total += error * len(batch)
    return total / len(data.labels)


def accuracy(network: Network, data: Split) -> float:
    """Return the share of images whose largest logit is that of their label."""
    network.set_training(False)
    return float(np.mean(network.forward(data.images).argmax(1) == data.labels))


def main(words: Sequence[str] | None = None) -> float:
    """Train LeNet on the digits and print one line per epoch; return the accuracy on the test images."""
    parser = argparse.ArgumentParser(
        "python -m convscope.scratch", description="Train LeNet in plain NumPy on handwritten digits."
    )
    parser.add_argument("--epochs", type=int, default=10, help="how often to train on every image (10)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the weights and of the order of the images (0)")
    options = parser.parse_args(words)
    if options.epochs < 1:
        parser.error("--epochs must be at least 1")

    start = time.perf_counter()
    rng = np.random.default_rng(options.seed)
    training, validation, test = load_digits()
    network = lenet_relu(rng=rng)
    optimizer = SGD(network.parameters(), LR, MOMENTUM, WEIGHT_DECAY)
    count = sum(weight.size for weight in optimizer.parameters.values())
    print(f"LeNet in NumPy: {count:,} parameters, {len(training.labels):,} handwritten digits for training")
    for epoch in range(options.epochs):
        # The learning rate falls linearly: large steps first, then small ones.
        optimizer.lr = LR * (1 - epoch / options.epochs)
        error = train_epoch(network, optimizer, training, rng)
        correct = accuracy(network, validation)
        seconds = time.perf_counter() - start
        print(
            f"epoch {epoch + 1} of {options.epochs}: mean error {error:.3f}, "
            f"{correct:6.1%} of {len(validation.labels)} validation digits correct ({seconds:.1f} s)",
            flush=True,
        )
    correct = accuracy(network, test)
    print(f"Result: {correct:.1%} of the {len(test.labels)} test digits correct, which were not used before.")
    return correct
