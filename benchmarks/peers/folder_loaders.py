"""Read a folder of photos with one tool's own loader; print the seconds of every epoch and the peak memory.

    python -m benchmarks.peers.folder_loaders LOADER FOLDER --epochs E [--network none|small]
        [--workers W] [--cache DIR|off]

LOADER is convscope, torchvision, timm or keras. All give shuffled batches of 64 float images of the same size: the
short side resized, the middle cut out, normalised, not augmented. The clock starts before the folder is listed. With
`--network small` two strided convolutions learn from them, which costs less than decoding does.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks.peers import common

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("loader", choices=sorted(LOADERS))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--img-size", type=int, default=224)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--network", choices=("none", "small"), default="none")
    parser.add_argument("--cache", default="off")
    given = parser.parse_args()
    epochs = LOADERS[given.loader](given)
    before = next(epochs)  # everything is imported, and nothing else done
    seconds, images, started = [], 0, time.perf_counter()
    for count in epochs:
        seconds.append(time.perf_counter() - started)
        images, started = images + count, time.perf_counter()
    peak = common.peak_bytes()
    print(json.dumps({"loader": given.loader, "seconds": seconds, "images": images, "before": before, "peak": peak}))
    sys.stdout.flush()
    os._exit(0)  # skips the seconds that some libraries need to shut down


def convscope(given: argparse.Namespace) -> Iterator[int]:
    """ConvScope's `Batches` of the whole folder; the first epoch is the one that decodes."""
    import torch

    from convscope.data import Preprocess, load_data
    from convscope.data.batches import Batches
    from convscope.data.decoded import Reading, decode_split
    from convscope.training.hardware.runtime import keep_freed_memory

    keep_freed_memory()  # as `convscope train` does first
    learn = torch_learner(given)
    yield memory_now()
    preprocess = Preprocess((3, given.img_size, given.img_size), MEAN, STD)
    split = load_data(given.folder).split("all")
    part = decode_split(split, preprocess, Reading(given.cache, given.workers))
    batches = Batches(part, preprocess, given.batch_size, 0, torch.device("cpu"))
    for epoch in range(given.epochs):
        yield learn(batches.epoch(epoch))


def torchvision(given: argparse.Namespace) -> Iterator[int]:
    """ImageFolder and DataLoader, as PyTorch's tutorials have them."""
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    learn = torch_learner(given)
    yield memory_now()
    steps = [transforms.Resize(given.img_size), transforms.CenterCrop(given.img_size)]
    change = transforms.Compose([*steps, transforms.ToTensor(), transforms.Normalize(MEAN, STD)])
    dataset = datasets.ImageFolder(given.folder, change)
    loader = DataLoader(
        dataset, given.batch_size, shuffle=True, num_workers=given.workers, persistent_workers=given.workers > 0
    )
    for _ in range(given.epochs):
        yield learn(loader)


def timm(given: argparse.Namespace) -> Iterator[int]:
    """timm's data set and loader for training, without augmentation."""
    import torch
    from timm.data import create_dataset, create_loader

    learn = torch_learner(given)
    yield memory_now()
    dataset = create_dataset("", given.folder)
    loader = create_loader(
        dataset, (3, given.img_size, given.img_size), given.batch_size, is_training=True, no_aug=True,
        interpolation="bilinear", mean=MEAN, std=STD, num_workers=given.workers, device=torch.device("cpu"),
        persistent_workers=given.workers > 0,
    )  # fmt: skip
    for _ in range(given.epochs):
        yield learn(loader)


def keras(given: argparse.Namespace) -> Iterator[int]:
    """image_dataset_from_directory, prefetched as its guide recommends; with TensorFlow, which it reads files with."""
    import keras
    import tensorflow as tf  # type: ignore[import-untyped]
    from keras import layers

    yield memory_now()
    size = (given.img_size, given.img_size)
    data = keras.utils.image_dataset_from_directory(
        given.folder, image_size=size, batch_size=given.batch_size, crop_to_aspect_ratio=True, verbose=False
    )
    images = len(data.file_paths)
    data = data.prefetch(tf.data.AUTOTUNE)
    if given.network == "none":
        for _ in range(given.epochs):
            yield sum(len(labels) for _, labels in data)
        return
    maps = [layers.Conv2D(channels, 4, strides=4, activation="relu") for channels in (8, 16)]
    pooled = [layers.GlobalAveragePooling2D(), layers.Dense(10)]
    network = keras.Sequential([layers.Input((*size, 3)), layers.Rescaling(1 / 255), *maps, *pooled])
    network.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    for _ in range(given.epochs):
        network.fit(data, epochs=1, verbose=0)
        yield images


def torch_learner(given: argparse.Namespace) -> Any:
    """A function that goes through an epoch's batches, with or without learning from them; it counts the images."""
    import torch
    import torch.nn.functional as F
    from torch import nn

    convolutions = [nn.Conv2d(3, 8, 4, 4), nn.ReLU(), nn.Conv2d(8, 16, 4, 4), nn.ReLU()]
    network = nn.Sequential(*convolutions, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))
    optimizer = torch.optim.SGD(network.parameters(), 0.01)

    def learn(batches: Iterable[Any]) -> int:
        seen = 0
        for images, labels in batches:
            seen += len(labels)
            if given.network == "small":
                loss = F.cross_entropy(network(images), labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        return seen

    return learn


def memory_now() -> int:
    """The memory that this process holds, in bytes, its share of what others hold too; 0 where nobody says."""
    rollup = Path("/proc/self/smaps_rollup")
    if not rollup.is_file():
        return 0
    return next(int(line.split()[1]) * 1024 for line in rollup.read_text().splitlines() if line.startswith("Pss:"))


LOADERS = {"convscope": convscope, "torchvision": torchvision, "timm": timm, "keras": keras}

if __name__ == "__main__":
    main()
