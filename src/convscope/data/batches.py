"""Batches of training images: fetch, augment and normalise a whole batch at a time, on the device."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from .augment import Augment, Draw
from .augment.mixup_cutmix import Mix, Mixed
from .decoded import Decoded
from .decoding.pixels import portions
from .preprocess import Preprocess
from .sampler import Order, shuffled

# 64 MB of float32: a sample must not weigh more than the training itself.
SAMPLE_VALUES = 2**24


class Batches:
    """Endless training batches of `(images, labels)` in an `order`, augmented by `augment` and mixed by `mix`.

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
        mix: Mix | None = None,
        order: Order = shuffled,
    ):
        self.pixels = decoded.pixels
        if isinstance(self.pixels, Tensor):
            # Channels-last is what networks are quickest with; augmentation and normalisation leave it so.
            self.pixels = self.pixels.to(device).contiguous(memory_format=torch.channels_last)
        self.labels = decoded.labels.to(device)
        self.preprocess, self.augment, self.mix, self.order = preprocess, augment, mix, order
        self.batch_size, self.seed = min(batch_size, len(decoded)), seed

    def __len__(self) -> int:
        # One image left over joins the batch before it: batch norm cannot train on a single one.
        return max(-(-(len(self.labels) - 1) // self.batch_size), 1)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor | Mixed]]:
        """The batches of one epoch from step `start` on: float images N x C x H x W, channels-last; int64 labels N."""
        order = self.order(self.labels.cpu(), _generator(self.seed, epoch, 0))
        steps = range(start, len(self))
        ends = [len(order) if step == len(self) - 1 else (step + 1) * self.batch_size for step in steps]
        places = [order[step * self.batch_size : end] for step, end in zip(steps, ends, strict=True)]
        for step, chosen, pixels in zip(steps, places, portions(self.pixels, places, self.labels.device), strict=True):
            yield self._batch(chosen, pixels, epoch, _generator(self.seed, epoch, step + 1))

    def _batch(
        self, places: Tensor, pixels: Tensor, epoch: int, coin: torch.Generator
    ) -> tuple[Tensor, Tensor | Mixed]:
        if self.augment is not None:
            pixels = self.augment(pixels, Draw(coin, epoch, places, self.seed))
        images, labels = self.preprocess.normalize(pixels), self.labels[places.to(self.labels.device)]
        return (images, labels) if self.mix is None else self.mix(images, labels, coin)

    def sample(self, count: int) -> tuple[Tensor, Tensor]:
        """`count` training images as they are, normalised, with their labels; fewer if they are fewer or large."""
        count = min(count, max(SAMPLE_VALUES // math.prod(self.preprocess.input_size), 2))
        chosen = torch.randperm(len(self.labels), generator=_generator(self.seed, 0, 0))[:count]
        pixels = next(portions(self.pixels, [chosen], self.labels.device))
        return self.preprocess.normalize(pixels), self.labels[chosen.to(self.labels.device)]


def in_order(
    decoded: Decoded, preprocess: Preprocess, device: torch.device, batch_size: int = 256
) -> Iterator[tuple[Tensor, Tensor]]:
    """Every image once, unchanged and in order: what evaluation runs on."""
    places = torch.arange(len(decoded)).split(batch_size)
    for chosen, pixels in zip(places, portions(decoded.pixels, places, device), strict=True):
        yield preprocess.normalize(pixels), decoded.labels[chosen].to(device)


def _generator(seed: int, epoch: int, step: int) -> torch.Generator:
    # A multiply-and-add of the three; the generator scrambles what it is seeded with.
    return torch.Generator().manual_seed((seed * 1_000_003 + epoch) * 1_000_003 + step)
