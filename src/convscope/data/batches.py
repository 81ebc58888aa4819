"""Batches from memory: index, augment and normalise a whole batch at a time, on the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from .decoded import Decoded
from .preprocess import Preprocess

Augment = Callable[[Tensor, torch.Generator], Tensor]


class Batches:
    """Endless shuffled training batches of `(images, labels)`.

    Order and augmentation follow from the seed, the epoch and the step alone, so any step can be reached again: that
    is what lets a run go on after a crash as if nothing had happened.
    """

    def __init__(
        self,
        decoded: Decoded,
        preprocess: Preprocess,
        batch_size: int,
        seed: int,
        device: torch.device,
        augment: Augment | None = None,
    ):
        self.pixels, self.labels = decoded.pixels.to(device), decoded.labels.to(device)
        self.preprocess, self.augment = preprocess, augment
        self.batch_size, self.seed = min(batch_size, len(decoded)), seed

    def __len__(self) -> int:
        # One image left over joins the batch before it: batch norm cannot train on a single one.
        return max(-(-(len(self.labels) - 1) // self.batch_size), 1)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of one epoch from step `start` on: float images N x C x H x W, int64 labels N."""
        order = torch.randperm(len(self.labels), generator=_generator(self.seed, epoch, 0)).to(self.pixels.device)
        for step in range(start, len(self)):
            end = len(order) if step == len(self) - 1 else (step + 1) * self.batch_size
            chosen = order[step * self.batch_size : end]
            images = self.preprocess.normalize(self.pixels[chosen])
            if self.augment is not None:
                images = self.augment(images, _generator(self.seed, epoch, step + 1))
            yield images, self.labels[chosen]


def in_order(
    decoded: Decoded, preprocess: Preprocess, device: torch.device, batch_size: int = 256
) -> Iterator[tuple[Tensor, Tensor]]:
    """Every image once, unchanged and in order: what evaluation runs on."""
    for start in range(0, len(decoded), batch_size):
        pixels = decoded.pixels[start : start + batch_size].to(device)
        yield preprocess.normalize(pixels), decoded.labels[start : start + batch_size].to(device)


def _generator(seed: int, epoch: int, step: int) -> torch.Generator:
    # A multiply-and-add of the three; the generator scrambles what it is seeded with.
    return torch.Generator().manual_seed((seed * 1_000_003 + epoch) * 1_000_003 + step)
