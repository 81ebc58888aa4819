"""timm: its data sets, loader (normalising whole batches), optimizer, schedule and loss, as its training script does.

    python -m benchmarks.peers.timm_loop --task mnist-cnn|resnet18-cifar --data DIR [--epochs 1]

Digits: `resnet18` with its training script's defaults (SGD 0.05 with momentum 0.9, batches of 128, weight decay 2e-5,
cosine over 300 epochs with 5 of warm-up, label smoothing 0.1, random resized crops, colour jitter 0.4), of which
--seconds makes as many epochs as fit. Images are enlarged to 32 x 32, the smallest that suits a network of stride 32,
and not mirrored: a digit's mirror image is no digit. Photos of 32 x 32: the same defaults, mirrored as well.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import timm
import torch
from timm.data import create_dataset, create_loader
from timm.loss import LabelSmoothingCrossEntropy
from timm.optim import create_optimizer_v2
from timm.scheduler import create_scheduler_v2
from torch import nn
from torchvision import transforms

from benchmarks.peers import common, tasks

OWN_EPOCHS = 300
CPU = torch.device("cpu")


def fit(
    network: nn.Module, loader: Any, optimizer: Any, loss_of: nn.Module, epochs: int, clock: common.Clock, schedule: Any
) -> None:
    """The loop of timm's training script, until the epochs or the seconds are used up."""
    updates = 0
    for epoch in range(epochs):
        network.train()
        clock.start()
        seen = 0
        for images, labels in loader:
            loss = loss_of(network(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            updates += 1
            seen += len(labels)
            if schedule is not None:
                schedule.step_update(updates)
            if clock.out_of_time():
                break
        clock.stop(seen)
        if schedule is not None:
            schedule.step(epoch + 1)
        if clock.out_of_time():
            break


def same_work(given: argparse.Namespace, clock: common.Clock) -> float:
    """The common task; gives the test accuracy."""
    task = tasks.make(given.task)
    name = "torch/mnist" if given.task == "mnist-cnn" else ""
    dataset = create_dataset(name, root=str(given.data), split="train")
    workers: dict[str, Any] = {} if given.workers is None else {"num_workers": given.workers}
    sizes: dict[str, Any] = {
        "input_size": task.input_size,
        "batch_size": task.batch_size,
        "mean": task.mean,
        "std": task.std,
    }
    loader = create_loader(dataset, is_training=True, no_aug=True, device=CPU, **sizes, **workers)
    # The same work as everyone's instead of timm's own crops; the loader makes floats of whole batches.
    dataset.transform = transforms.Compose([*task.augment, transforms.PILToTensor()])
    optimizer = create_optimizer_v2(
        task.network, "momentum", lr=task.lr, momentum=task.momentum, weight_decay=task.weight_decay
    )
    fit(task.network, loader, optimizer, nn.CrossEntropyLoss(), given.epochs or 1_000_000, clock, None)
    return tasks.accuracy(task.network, tasks.images(given.task, given.data, task)[1])


def own_way(given: argparse.Namespace, clock: common.Clock, place: Path) -> float:
    """Digits or photos; gives the test accuracy."""
    gray = given.task == "digits"
    if gray:
        common.digits_as_files(given.data, place)
    else:
        place = given.data
    channels, mode = (1, "L") if gray else (3, "RGB")
    sizes: dict[str, Any] = {"input_size": (channels, 32, 32), "device": CPU}
    sizes |= {"mean": (0.5,), "std": (0.5,)} if gray else {"mean": tasks.CIFAR_MEAN, "std": tasks.CIFAR_STD}
    train = create_dataset("", root=str(place), split="train", input_img_mode=mode)
    flips: dict[str, Any] = {"hflip": 0.0} if gray else {}
    loader = create_loader(train, batch_size=128, is_training=True, interpolation="random", **flips, **sizes)
    test = create_dataset("", root=str(place), split="test", input_img_mode=mode)
    test_loader = create_loader(test, batch_size=128, crop_pct=1.0, **sizes)

    def parts(epochs: int) -> tuple[nn.Module, Any, Any]:
        network = timm.create_model("resnet18", num_classes=10, in_chans=channels)
        optimizer = create_optimizer_v2(network, "sgd", lr=0.05, momentum=0.9, weight_decay=2e-5)
        schedule, _ = create_scheduler_v2(
            optimizer, "cosine", num_epochs=epochs, warmup_epochs=min(5, epochs // 10), warmup_lr=1e-5
        )
        return network, optimizer, schedule

    loss_of, epochs = LabelSmoothingCrossEntropy(0.1), given.epochs or OWN_EPOCHS
    if given.seconds and not given.epochs:
        trial, optimizer, _ = parts(2)
        epochs = common.passes_that_fit(
            given.seconds, lambda watch: fit(trial, loader, optimizer, loss_of, 1, watch, None)
        )
        clock.limit = None  # a schedule that was laid out for the time is not cut short of its end
    network, optimizer, schedule = parts(epochs)
    fit(network, loader, optimizer, loss_of, epochs, clock, schedule)
    network.eval()
    with torch.no_grad():
        right = sum(int((network(images).argmax(1) == labels).sum()) for images, labels in test_loader)
    return right / len(test)


def main() -> None:
    given = common.arguments()
    torch.manual_seed(given.seed)
    clock = common.Clock(given.seconds)
    with tempfile.TemporaryDirectory() as place:
        top1 = own_way(given, clock, Path(place)) if given.task in common.OWN_WAY else same_work(given, clock)
    common.report("timm", clock, top1, ("timm", "torch", "torchvision"), workers=given.workers)


if __name__ == "__main__":
    main()
