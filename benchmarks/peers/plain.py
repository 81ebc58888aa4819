"""The plain PyTorch loop: torchvision data, one image at a time, DataLoader, SGD, float32.

    python -m benchmarks.peers.plain --task mnist-cnn --data DIR [--epochs 1] [--precision float32|bf16]

Digits: the network and the recipe of PyTorch's own MNIST example (Adadelta 1.0, times 0.7 every epoch, batches of 64,
14 epochs); only the size of its first linear layer follows from 8 x 8 pixels. --precision bf16 adds autocast and
channels-last, two lines of PyTorch's own tuning guide; the loop is otherwise the same.
"""

from __future__ import annotations

import contextlib
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.peers import common, tasks

OWN_EPOCHS = 14


def main() -> None:
    given = common.arguments()
    torch.manual_seed(given.seed)
    clock = common.Clock(given.seconds)
    bf16 = given.precision == "bf16"
    scheduler: torch.optim.lr_scheduler.StepLR | None = None
    network: nn.Module
    train: tasks.Images
    test: tasks.Images
    optimizer: torch.optim.Optimizer
    if given.task == "digits":
        arrays = common.digits(given.data)
        train, test = dataset(arrays, "train"), dataset(arrays, "test")
        network, batch_size = example_network(), 64
        optimizer = torch.optim.Adadelta(network.parameters(), lr=1.0)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    else:
        task = tasks.make(given.task)
        network, batch_size, optimizer = task.network, task.batch_size, task.optimizer()
        train, test = tasks.images(given.task, given.data, task)
    if bf16:
        network = network.to(memory_format=torch.channels_last)
    loader = DataLoader(train, batch_size=batch_size, shuffle=True, num_workers=given.workers or 0)
    epochs = given.epochs or (math.inf if given.seconds else OWN_EPOCHS)
    while clock.epochs < epochs and not clock.out_of_time():
        network.train()
        clock.start()
        seen = 0
        for images, labels in loader:
            with torch.autocast("cpu", torch.bfloat16) if bf16 else contextlib.nullcontext():
                loss = F.cross_entropy(network(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen += len(labels)
            if clock.out_of_time():
                break
        clock.stop(seen)
        if scheduler is not None:
            scheduler.step()
    top1 = tasks.accuracy(network, test)
    common.report("plain", clock, top1, ("torch", "torchvision"), workers=given.workers or 0, precision=given.precision)


def example_network() -> nn.Sequential:
    """Two convolutions and two linear layers with dropout. N x 1 x 8 x 8 -> N x 10."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(),
        nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25),
        # N x 64 x 2 x 2
        nn.Flatten(), nn.Linear(64 * 2 * 2, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10),
    )  # fmt: skip


def dataset(arrays: dict[str, np.ndarray], part: str) -> TensorDataset:
    """Digits as tensors, with MNIST's mean and deviation, as the example has it."""
    images: Tensor = torch.from_numpy(arrays[f"{part}_images"])[:, None].float() / 255
    return TensorDataset((images - 0.1307) / 0.3081, torch.from_numpy(arrays[f"{part}_labels"]))


if __name__ == "__main__":
    main()
