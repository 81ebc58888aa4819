"""Pixels of a split that are fetched when they are needed, and the same access to pixels that lie in memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from ..augment.memory_format import take

SHARE_OF_DEVICE = 1 / 4


class LazyPixels(ABC):
    """uint8 images N x C x H x W that are fetched when they are asked for, always as channels-last copies."""

    def __init__(self, count: int, size: tuple[int, int, int]):
        self.shape = (count, *size)

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def image_bytes(self) -> int:
        """The bytes of one image."""
        _, channels, height, width = self.shape
        return channels * height * width

    @abstractmethod
    def take(self, indices: Tensor) -> Tensor:
        """Return the images at `indices` (int64 M): M x C x H x W."""

    @abstractmethod
    def take_batches(self, batches: Sequence[Tensor]) -> Iterator[Tensor]:
        """Yield what `take` returns for each batch of indices, and fetch the next batches meanwhile."""

    def __getitem__(self, which: int | slice) -> Tensor:
        """Return one image C x H x W, or several, as indexing a tensor does."""
        if isinstance(which, slice):
            return self.take(torch.arange(*which.indices(len(self))))
        return self.take(torch.tensor([range(len(self))[which]]))[0]

    def empty(self, count: int) -> Tensor:
        """Return uninitialised memory for `count` images: count x H x W x C."""
        _, channels, height, width = self.shape
        return torch.empty(count, height, width, channels, dtype=torch.uint8)


class ChosenPixels(LazyPixels):
    """Some of the images of others, by their indices (int64, on the CPU)."""

    def __init__(self, whole: LazyPixels, indices: Tensor):
        super().__init__(len(indices), whole.shape[1:])
        self.whole, self.indices = whole, indices

    def take(self, indices: Tensor) -> Tensor:
        """Return the images at `indices`: M x C x H x W."""
        return self.whole.take(self.indices[indices])

    def take_batches(self, batches: Sequence[Tensor]) -> Iterator[Tensor]:
        """Yield what `take` returns for each batch of indices, and fetch the next batches meanwhile."""
        return self.whole.take_batches([self.indices[batch] for batch in batches])


Pixels = Tensor | LazyPixels


def pixel_batches(pixels: Pixels, batches: Sequence[Tensor], device: torch.device) -> Iterator[Tensor]:
    """Yield the images at each batch of indices (int64, on the CPU), on `device`."""
    if isinstance(pixels, Tensor):
        return (_to_device(take(pixels, batch.to(pixels.device)), device) for batch in batches)
    return (_to_device(batch, device) for batch in pixels.take_batches(batches))


def _to_device(batch: Tensor, device: torch.device) -> Tensor:
    """Return the batch on the device; to CUDA it is copied while the device computes, which needs pinned memory."""
    if device.type == "cuda" and batch.device.type == "cpu":
        return batch.pin_memory().to(device, non_blocking=True)
    return batch.to(device)


def fits(pixels: Tensor, device: torch.device) -> bool:
    """Return whether images may lie on a device as a whole; most of a CUDA device's memory is left to the training."""
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return pixels.nbytes <= SHARE_OF_DEVICE * free
