"""Batches of images: fetched, augmented and normalised a whole batch at a time, on the device."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from .augment import Augment, BatchContext
from .augment.mixup_cutmix import Mix, Mixed
from .decoded import Decoded
from .decoding.pixels import fits, pixel_batches
from .preprocess import Preprocess
from .sampler import Sampler, shuffled
from .split import rarest_labels

# 64 MB of float32: a sample must not take more memory than the training itself.
SAMPLE_VALUES = 2**24


class Batches:
    """Endless training batches of `(images, labels)` in the order of `sampler`, changed by `augment` and `mix`.

    Order and augmentation depend on seed, epoch and step alone, so any step can be reached again: a run that crashed
    continues exactly as if it had not. Of images that are decoded larger than the input, for `random-crop` to cut it
    out, `sample` returns the centre.

    `part` is number and count of the processes that train together: each gets its part of every batch, in an order that
    does not depend on their number.
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
        sampler: Sampler = shuffled,
        part: tuple[int, int] = (0, 1),
    ):
        self.pixels = decoded.pixels
        if isinstance(self.pixels, Tensor):
            held = self.pixels.to(device) if fits(self.pixels, device) else self.pixels
            # Networks are fastest with channels-last, which augmentation and normalisation preserve.
            self.pixels = held.contiguous(memory_format=torch.channels_last)
        self.labels = decoded.labels.to(device)
        # The classes that a sampler balances: of several labels of an image the rarest counts.
        marks = decoded.labels.numpy()
        self.classes = decoded.labels if marks.ndim == 1 else torch.from_numpy(rarest_labels(marks))
        self.preprocess, self.augment, self.mix, self.sampler = preprocess, augment, mix, sampler
        self.batch_size, self.seed, self.part = min(batch_size, len(decoded)), seed, part

    def __len__(self) -> int:
        # A last image that would be alone (in one of the processes) joins the batch before it: batch norm cannot train
        # on a single image. Where batches are of one image, the network can.
        joining = 2 * self.part[1] - 1 if self.batch_size > 1 else 0
        return max(math.ceil((len(self.labels) - joining) / self.batch_size), 1)

    def images_of_step(self, step: int) -> int:
        """Return the number of images of a step, of all processes together."""
        return len(self.labels) - step * self.batch_size if step == len(self) - 1 else self.batch_size

    def epoch(self, epoch: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor | Mixed]]:
        """Yield the batches of an epoch from step `start` on: float images N x C x H x W, channels-last; labels."""
        order = self.sampler(self.classes, _generator(self.seed, epoch, 0))
        steps = range(start, len(self))
        ends = [len(order) if step == len(self) - 1 else (step + 1) * self.batch_size for step in steps]
        rank, count = self.part
        batches = [
            order[step * self.batch_size : end].tensor_split(count)[rank] for step, end in zip(steps, ends, strict=True)
        ]
        fetched = pixel_batches(self.pixels, batches, self.labels.device)
        for step, indices, pixels in zip(steps, batches, fetched, strict=True):
            yield self._batch(indices, pixels, epoch, _generator(self.seed, epoch, step + 1, rank))

    def _batch(
        self, indices: Tensor, pixels: Tensor, epoch: int, generator: torch.Generator
    ) -> tuple[Tensor, Tensor | Mixed]:
        if self.augment is not None:
            pixels = self.augment(pixels, self._context(generator, epoch, indices))
        images, labels = self.preprocess.normalize(pixels), self.labels[indices.to(self.labels.device)]
        return (images, labels) if self.mix is None else self.mix(images, labels, generator)

    def _context(self, generator: torch.Generator, epoch: int, indices: Tensor) -> BatchContext:
        _, height, width = self.preprocess.input_size
        return BatchContext(generator, epoch, indices, self.seed, (height, width))

    def sample(self, count: int) -> tuple[Tensor, Tensor]:
        """Return up to `count` random training images, normalised but not augmented, with their labels.

        Fewer if the images are fewer, or so large that they would take more than 64 MB.
        """
        count = sample_count(count, len(self.labels), self.preprocess)
        indices = torch.randperm(len(self.labels), generator=_generator(self.seed, 0, 0))[:count]
        pixels = next(pixel_batches(self.pixels, [indices], self.labels.device))
        return self.preprocess.normalize(self.preprocess.centre(pixels)), self.labels[indices.to(self.labels.device)]


def sample_count(count: int, images: int, preprocess: Preprocess) -> int:
    """Return how many images a sample of `count` has: fewer if there are fewer, or if they are large."""
    return min(count, images, max(SAMPLE_VALUES // math.prod(preprocess.input_size), 2))


def in_order(
    decoded: Decoded, preprocess: Preprocess, device: torch.device, batch_size: int = 256
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield normalised batches of every image once, in order and not augmented: what evaluation runs on."""
    batches = torch.arange(len(decoded)).split(batch_size)
    for indices, pixels in zip(batches, pixel_batches(decoded.pixels, batches, device), strict=True):
        yield preprocess.normalize(preprocess.centre(pixels)), decoded.labels[indices].to(device)


def _generator(seed: int, epoch: int, step: int, rank: int = 0) -> torch.Generator:
    # A multiply-and-add of the three is enough: the generator scrambles its seed.
    return torch.Generator().manual_seed((((seed * 1_000_003 + epoch) * 1_000_003 + step) ^ (rank << 48)) % 2**63)
