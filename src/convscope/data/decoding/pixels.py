"""Pixels that do not all lie in memory, and what they have in common with those that do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from typing import TypeVar

import torch
from torch import Tensor

from ..augment.memory_format import take

Item = TypeVar("Item")
Result = TypeVar("Result")


class Rows(ABC):
    """uint8 images N x C x H x W that are fetched when they are asked for; always channels-last, always copies."""

    def __init__(self, count: int, size: tuple[int, int, int]):
        self.shape = (count, *size)

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def image_bytes(self) -> int:
        """What one image weighs."""
        _, channels, height, width = self.shape
        return channels * height * width

    @abstractmethod
    def take(self, places: Tensor) -> Tensor:
        """The images at `places` (int64 M): M x C x H x W."""

    @abstractmethod
    def portions(self, places: Sequence[Tensor]) -> Iterator[Tensor]:
        """What `take` gives for each of several lots, with the next ones on their way while one is used."""

    def __getitem__(self, which: int | slice) -> Tensor:
        """One image C x H x W, or several, as indexing a tensor gives."""
        if isinstance(which, slice):
            return self.take(torch.arange(*which.indices(len(self))))
        return self.take(torch.tensor([range(len(self))[which]]))[0]

    def empty(self, count: int) -> Tensor:
        """Room for so many images, as they lie in memory: count x H x W x C."""
        _, channels, height, width = self.shape
        return torch.empty(count, height, width, channels, dtype=torch.uint8)


Pixels = Tensor | Rows


def portions(pixels: Pixels, places: Sequence[Tensor], device: torch.device) -> Iterator[Tensor]:
    """The images at each lot of places (int64, on the CPU), one lot after the other, on `device`."""
    if isinstance(pixels, Tensor):
        return (take(pixels, lot.to(pixels.device)).to(device) for lot in places)
    return (lot.to(device) for lot in pixels.portions(places))


def ahead(pool: Executor, work: Callable[[Item], Result], items: Iterable[Item], depth: int) -> Iterator[Result]:
    """`work` of every item, in order, with at most `depth` of them begun before they are asked for."""
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > depth:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
