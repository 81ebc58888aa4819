"""The two tasks that are the same work for every tool on PyTorch: network, files, batches, rate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import datasets, models, transforms

Images = Dataset[Any]  # of pairs of an image tensor and a label
CIFAR_MEAN, CIFAR_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass
class Task:
    """What to train. `augment` is what happens to a PIL image of the training part before it becomes a tensor."""

    network: nn.Module
    batch_size: int
    lr: float
    momentum: float
    weight_decay: float
    augment: list[nn.Module]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    input_size: tuple[int, int, int]

    def optimizer(self) -> torch.optim.Optimizer:
        """Plain SGD, at a constant rate."""
        return torch.optim.SGD(
            self.network.parameters(), self.lr, momentum=self.momentum, weight_decay=self.weight_decay
        )


def make(name: str) -> Task:
    """`mnist-cnn` or `resnet18-cifar`."""
    if name == "mnist-cnn":
        return Task(mnist_cnn(), 64, 0.1, 0.0, 0.0, [], (0.5,), (0.5,), (1, 28, 28))
    augment: list[nn.Module] = [transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip()]
    network = models.resnet18(num_classes=10)
    return Task(network, 128, 0.1, 0.9, 5e-4, augment, CIFAR_MEAN, CIFAR_STD, (3, 32, 32))


def mnist_cnn() -> nn.Sequential:
    """The tutorials' four convolutions and three linear layers, 2,327,818 parameters."""
    layers: list[nn.Module] = []
    for channels_in, channels, pool in ((1, 16, False), (16, 32, True), (32, 64, False), (64, 128, True)):
        layers += [nn.Conv2d(channels_in, channels, 3), nn.ReLU(inplace=True)]
        layers += [nn.MaxPool2d(2)] if pool else []
    layers += [nn.Flatten(), nn.Linear(128 * 4 * 4, 1024), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.Linear(1024, 128), nn.ReLU(inplace=True), nn.Linear(128, 10))


def images(name: str, data: Path, task: Task) -> tuple[Images, Images]:
    """The training and the test part as torchvision reads them, one image at a time."""
    to_tensor = [transforms.ToTensor(), transforms.Normalize(task.mean, task.std)]
    changed, plain = transforms.Compose([*task.augment, *to_tensor]), transforms.Compose(to_tensor)
    if name == "mnist-cnn":
        return datasets.MNIST(data, train=True, transform=changed), datasets.MNIST(data, train=False, transform=plain)
    return datasets.ImageFolder(data / "train", changed), datasets.ImageFolder(data / "test", plain)


@torch.no_grad()
def accuracy(network: nn.Module, test: Images) -> float:
    """The share of right answers on the test part."""
    network.eval()
    right = count = 0
    for pictures, labels in DataLoader(test, batch_size=256):
        right += int((network(pictures).argmax(1) == labels).sum())
        count += len(labels)
    return right / count
