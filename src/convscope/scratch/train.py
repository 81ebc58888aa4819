"""The whole of training: show a batch, measure the error, send it back, take a step. `python -m convscope.scratch`."""

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
    """The 1,797 bundled handwritten digits, shuffled: 1,257 to train, 180 to watch how it goes, 360 for the end.

    They are 8 x 8 pixels with values 0..16. Each pixel becomes a square of 3 x 3, and a border of 4 pixels makes them
    32 x 32: LeNet's field is larger than the digit, so that a kernel can also lie over its edge.
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
    """Each image moved by up to 2 pixels, which the border has room for: the same digit, and yet a new image."""
    moves = rng.integers(-2, 3, (len(images), 2))
    return np.stack([np.roll(image, move, axis=(1, 2)) for image, move in zip(images, moves, strict=True)])


def train_epoch(network: Network, optimizer: SGD, data: Split, rng: np.random.Generator) -> float:
    """Once through all images, shifted, in a new order. Returns the mean error."""
    network.set_training(True)
    total = 0.0
    order = rng.permutation(len(data.labels))
    for start in range(0, len(order), BATCH):
        batch = order[start : start + BATCH]
        # What does it say? How wrong is that? What share has each weight in it? Change each a little.
        logits = network.forward(shift(data.images[batch], rng))
        error, dlogits = cross_entropy(logits, data.labels[batch])
        network.backward(dlogits)
        optimizer.step(network.gradients())
        total += error * len(batch)
    return total / len(data.labels)


def accuracy(network: Network, data: Split) -> float:
    """The share of images whose largest logit is that of their label."""
    network.set_training(False)
    return float(np.mean(network.forward(data.images).argmax(1) == data.labels))


def main(words: Sequence[str] | None = None) -> float:
    """Train LeNet on the digits and print an epoch a line. Returns the share of the test images that it reads."""
    parser = argparse.ArgumentParser(
        "python -m convscope.scratch", description="Train LeNet in plain NumPy on real digits."
    )
    parser.add_argument("--epochs", type=int, default=10, help="how many times it sees every image (10)")
    parser.add_argument("--seed", type=int, default=0, help="another number, another beginning (0)")
    options = parser.parse_args(words)
    if options.epochs < 1:
        parser.error("--epochs must be at least 1")

    start = time.perf_counter()
    rng = np.random.default_rng(options.seed)
    training, validation, test = load_digits()
    network = lenet_relu(rng=rng)
    optimizer = SGD(network.parameters(), LR, MOMENTUM, WEIGHT_DECAY)
    numbers = sum(weight.size for weight in optimizer.parameters.values())
    print(f"LeNet in NumPy, {numbers:,} numbers to learn from {len(training.labels):,} handwritten digits")
    for epoch in range(options.epochs):
        # The step shrinks evenly, from LR down to a last small one: first far, then precisely.
        optimizer.lr = LR * (1 - epoch / options.epochs)
        error = train_epoch(network, optimizer, training, rng)
        right = accuracy(network, validation)
        seconds = time.perf_counter() - start
        print(
            f"epoch {epoch + 1} of {options.epochs}: mean error {error:.3f}, "
            f"reads {right:6.1%} of {len(validation.labels)} digits it has not learned from ({seconds:.1f} s)",
            flush=True,
        )
    right = accuracy(network, test)
    print(f"The end: it reads {right:.1%} of the {len(test.labels)} test digits, which it sees now for the first time.")
    return right
