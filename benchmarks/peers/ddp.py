"""A plain DistributedDataParallel loop as in torchvision's references: sampler, DataLoader, DDP, SGD. For torchrun.

    torchrun --nproc-per-node N -m benchmarks.peers.ddp --batch-size 64 --images 640 --epochs 6

ResNet-18 on random images of 32 x 32 that lie in memory, flipped and shifted; float32. Prints, as JSON, the seconds of
each epoch, in which the gradients are averaged over all processes. `--batch-size` counts the images of all processes.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from typing import Any

import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn
from torch import distributed as dist
from torch.utils.data import DataLoader, Dataset
from torch.utils.data.distributed import DistributedSampler
from torchvision.transforms import v2


class Images(Dataset[tuple[Tensor, int]]):
    """Random images in memory, augmented one by one."""

    def __init__(self, count: int):
        self.pixels = torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8)
        self.labels = torch.randint(0, 10, (count,)).tolist()
        self.change = v2.Compose(
            [v2.RandomCrop(32, padding=4), v2.RandomHorizontalFlip(), v2.ToDtype(torch.float32, scale=True)]
        )

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.change(self.pixels[index]), self.labels[index]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--images", type=int, default=640)
    parser.add_argument("--epochs", type=int, default=6)
    given = parser.parse_args()
    dist.init_process_group("gloo")
    count = dist.get_world_size()
    torch.manual_seed(0)
    images = Images(given.images)
    sampler: DistributedSampler[Any] = DistributedSampler(images)
    loader = DataLoader(images, given.batch_size // count, sampler=sampler, drop_last=True)
    network = nn.parallel.DistributedDataParallel(torchvision.models.resnet18(num_classes=10))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, fused=True)
    seconds = []
    for epoch in range(given.epochs):
        sampler.set_epoch(epoch)
        start = time.perf_counter()
        for pixels, labels in loader:
            optimizer.zero_grad()
            F.cross_entropy(network(pixels), labels).backward()
            optimizer.step()
        seconds.append(time.perf_counter() - start)
    if os.environ["RANK"] == "0":
        print(json.dumps({"epoch_seconds": seconds, "steps": len(loader)}))
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
