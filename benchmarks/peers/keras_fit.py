"""Keras: `model.fit` on arrays in memory, as its MNIST example has it; KERAS_BACKEND is tensorflow or torch.

    KERAS_BACKEND=tensorflow python -m benchmarks.peers.keras_fit --task mnist-cnn --data DIR [--epochs 1]

Digits: the network and the recipe of that example (32 and 64 kernels, dropout 0.5, Adam, batches of 128, 15 epochs);
its convolutions pad, since 8 x 8 pixels would otherwise not outlast two poolings, and it trains on all of the training
part, where the example sets a tenth aside. Keras compiles its step at the first batches: two steps before the clock
starts, which are not counted either.

Photos of 32 x 32: the network and the recipe of its example "Image classification from scratch" (a small Xception,
mirrored and turned images, dropout 0.25, Adam 0.0003, batches of 128, 25 epochs), on all of the training photos.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers

from benchmarks.peers import common

PARTS = ("train", "test")
OWN_EPOCHS = {"digits": 15, "photos": 25}


class Timing(keras.callbacks.Callback):
    """The seconds of training, and a stop when they are used up."""

    def __init__(self, clock: common.Clock, images: int, batch_size: int):
        super().__init__()
        self.clock, self.images, self.batch_size, self.steps = clock, images, batch_size, 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """An epoch begins."""
        self.steps = 0
        self.clock.start()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Count, and stop if time is up."""
        self.steps += 1
        if self.clock.out_of_time():
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """An epoch ends; there is no validation in it."""
        self.clock.stop(min(self.steps * self.batch_size, self.images))


def same_network() -> keras.Sequential:
    """The tutorials' network, N x 28 x 28 x 1 -> logits."""
    stack: list[Any] = [keras.Input((28, 28, 1))]
    for channels, pool in ((16, False), (32, True), (64, False), (128, True)):
        stack += [layers.Conv2D(channels, 3, activation="relu"), *([layers.MaxPooling2D(2)] if pool else [])]
    stack += [layers.Flatten(), layers.Dense(1024, activation="relu"), layers.Dense(128, activation="relu")]
    model = keras.Sequential([*stack, layers.Dense(10)])
    assert model.count_params() == 2_327_818
    return model


def example_network() -> keras.Sequential:
    """The example's network, N x 8 x 8 x 1 -> probabilities."""
    return keras.Sequential([
        keras.Input((8, 8, 1)),
        layers.Conv2D(32, 3, activation="relu", padding="same"), layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, activation="relu", padding="same"), layers.MaxPooling2D(2),
        layers.Flatten(), layers.Dropout(0.5), layers.Dense(10, activation="softmax"),
    ])  # fmt: skip


def photo_network() -> keras.Model:
    """The photo example's network, N x 32 x 32 x 3 of 0..255 -> probabilities."""

    def normed(layer: Any, maps: Any) -> Any:
        return layers.BatchNormalization()(layer(maps))

    images = keras.Input((common.SIDE, common.SIDE, 3))
    maps = layers.RandomRotation(0.1)(layers.RandomFlip("horizontal")(images))
    maps = normed(layers.Conv2D(128, 3, strides=2, padding="same"), layers.Rescaling(1 / 255)(maps))
    before = maps = layers.Activation("relu")(maps)
    for channels in (256, 512, 728):
        for _ in range(2):
            separable = layers.SeparableConv2D(channels, 3, padding="same")
            maps = normed(separable, layers.Activation("relu")(maps))
        maps = layers.MaxPooling2D(3, strides=2, padding="same")(maps)
        before = maps = layers.add([maps, layers.Conv2D(channels, 1, strides=2, padding="same")(before)])
    maps = layers.Activation("relu")(normed(layers.SeparableConv2D(1024, 3, padding="same"), maps))
    features = layers.Dropout(0.25)(layers.GlobalAveragePooling2D()(maps))
    return keras.Model(images, layers.Dense(10, activation="softmax")(features))


def mnist(data: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Images as float32 N x 28 x 28 x 1 in -1..1, and labels."""
    raw = data / "MNIST" / "raw"
    pixels = np.frombuffer((raw / f"{part}-images-idx3-ubyte").read_bytes(), np.uint8, offset=16)
    labels = np.frombuffer((raw / f"{part}-labels-idx1-ubyte").read_bytes(), np.uint8, offset=8)
    return (pixels.reshape(-1, 28, 28, 1).astype("float32") / 255 - 0.5) / 0.5, labels.astype("int64")


def main() -> None:
    given = common.arguments(("mnist-cnn", *common.OWN_WAY))
    keras.utils.set_random_seed(given.seed)
    clock = common.Clock(given.seconds)
    loss: Any = keras.losses.SparseCategoricalCrossentropy(from_logits=given.task == "mnist-cnn")
    if given.task == "digits":
        arrays = common.digits(given.data)
        parts = [
            (arrays[f"{p}_images"][..., None].astype("float32") / 255, arrays[f"{p}_labels"]) for p in ("train", "test")
        ]
        model, optimizer, batch_size = example_network(), "adam", 128
    elif given.task == "photos":
        parts = [
            (images.astype("float32"), labels) for images, labels in map(partial(common.photos, given.data), PARTS)
        ]
        model, optimizer, batch_size = photo_network(), keras.optimizers.Adam(3e-4), 128
    else:
        parts = [mnist(given.data, "train"), mnist(given.data, "t10k")]
        model, optimizer, batch_size = same_network(), keras.optimizers.SGD(0.1), 64
    (images, labels), test = parts
    model.compile(loss=loss, optimizer=optimizer, metrics=["accuracy"])
    warm = batch_size + len(images) % batch_size
    model.fit(images[:warm], labels[:warm], batch_size=batch_size, verbose=0)
    model.fit(
        images,
        labels,
        batch_size=batch_size,
        epochs=given.epochs or (1_000_000 if given.seconds else OWN_EPOCHS[given.task]),
        verbose=2,
        callbacks=[Timing(clock, len(images), batch_size)],
    )
    top1 = float(model.evaluate(*test, batch_size=256, verbose=0, return_dict=True)["accuracy"])
    backend = keras.backend.backend()
    common.report(f"keras-{backend}", clock, top1, ("keras", "tensorflow", "tensorflow-cpu", "torch"))


if __name__ == "__main__":
    main()
