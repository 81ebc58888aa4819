"""The only code that turns an image into a tensor: training, evaluation and prediction all come through here.

Two steps, so that training can keep the cheap half in memory: `pixels` makes the uint8 pixels that the network's input
is cut from (one image at a time), `normalize` turns a batch of them into the float tensor that the network gets.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ..errors import ModelFileError
from .image_file import decode_pixels, to_gray_or_rgb
from .superpixels import superpixels

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}
CROP_MODES = ("center", "pad", "squash")


@dataclass(frozen=True)
class Preprocess:
    """How an image becomes the network's input.

    `input_size` is channels x height x width. The picture is fitted into that size less `border` pixels on each side:
    `center` cuts the middle out of what is too long, `pad` shows all of it between bars, `squash` ignores its
    proportions. With a `crop_pct` below 1, `center` cuts away more: that share of what it would show stays. With
    `superpixels`, the input is flattened to about so many regions of one colour each.
    `mean` and `std` are a number a channel, in units of the pixel range 0..1.
    """

    input_size: tuple[int, int, int]
    mean: tuple[float, ...] = (0.5,)
    std: tuple[float, ...] = (0.5,)
    interpolation: str = "bilinear"
    crop_mode: str = "center"
    border: int = 0
    crop_pct: float = 1.0
    superpixels: int = 0

    def __post_init__(self) -> None:
        channels, height, width = self.input_size
        if channels not in (1, 3):
            raise ModelFileError(f"preprocessing: images have 1 or 3 channels, not {channels}")
        if not 1 <= min(height, width) <= max(height, width) <= 10_000 or not 0 <= 2 * self.border < min(height, width):
            raise ModelFileError(f"preprocessing: no picture fits {height} x {width} with a border of {self.border}")
        if self.interpolation not in FILTERS or self.crop_mode not in CROP_MODES:
            raise ModelFileError(
                f"preprocessing: unknown interpolation or crop mode: {self.interpolation}, {self.crop_mode}"
            )
        if not 0 <= self.superpixels <= 100_000:
            raise ModelFileError(f"preprocessing: superpixels must be from 0 to 100000, not {self.superpixels}")
        if not 0.1 <= self.crop_pct <= 1:
            raise ModelFileError(f"preprocessing: crop_pct must be from 0.1 to 1, not {self.crop_pct}")
        finite = all(map(math.isfinite, (*self.mean, *self.std)))
        if not len(self.mean) == len(self.std) == channels or not finite or min(self.std) <= 0:
            raise ModelFileError(f"preprocessing: mean and std need {channels} numbers, std above 0")

    @property
    def longest_side(self) -> int:
        """The longest side, in pixels, that a whole picture may have to be resized to before something is cut off."""
        share = self.crop_pct if self.crop_mode == "center" else 1.0
        return math.ceil((max(self.input_size[1:]) - 2 * self.border) / share)

    def read(self, content: bytes) -> Tensor:
        """An encoded image -> uint8 tensor C x H x W; UnreadableImage with the reason if there is none.

        A large JPEG is not decoded in full. This is what training makes of a file.
        """
        return self._tensor(self.array(decode_pixels(content, self.longest_side)))

    def pixels(self, image: Image.Image) -> Tensor:
        """A Pillow image of any mode and size -> uint8 tensor C x H x W."""
        return self._tensor(self.array(np.asarray(to_gray_or_rgb(image))))

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).permute(2, 0, 1).contiguous()

    def array(self, picture: np.ndarray) -> np.ndarray:
        """A picture of any size, uint8 H x W (gray) or H x W x 3 -> uint8 array H x W x C.

        Memory stays in proportion to the input and output, however long and thin the picture is: the part that will be
        seen is cut out while it is resized, not before or after.
        """
        channels, height, width = self.input_size
        if (picture.ndim == 2) != (channels == 1):
            picture = np.asarray(Image.fromarray(picture).convert("L" if channels == 1 else "RGB"))
        array = self._fitted(picture, (width - 2 * self.border, height - 2 * self.border))
        if array.shape[:2] != (height, width):
            framed = np.zeros((height, width, channels), np.uint8)
            top, left = (height - array.shape[0]) // 2, (width - array.shape[1]) // 2
            framed[top : top + array.shape[0], left : left + array.shape[1]] = array
            array = framed
        return superpixels(array, self.superpixels) if self.superpixels else array

    def _fitted(self, picture: np.ndarray, inner: tuple[int, int]) -> np.ndarray:
        """The picture as large as it is shown, without bars and border: H x W x C."""
        height, width = picture.shape[:2]
        size, box = inner, (0.0, 0.0, float(width), float(height))
        if self.crop_mode == "center":
            scale = max(inner[0] / width, inner[1] / height) / self.crop_pct
            seen = (inner[0] / scale, inner[1] / scale)
            left, top = (width - seen[0]) / 2, (height - seen[1]) / 2
            box = (max(left, 0.0), max(top, 0.0), min(left + seen[0], width), min(top + seen[1], height))
        elif self.crop_mode == "pad":
            scale = min(inner[0] / width, inner[1] / height)
            size = (max(round(width * scale), 1), max(round(height * scale), 1))
        smaller = box[2] - box[0] > size[0] and box[3] - box[1] > size[1]
        if smaller and picture.ndim == 3 and self.interpolation != "nearest":
            return _shrunk(picture, size, box, self.interpolation)
        if (width, height) != size or box != (0.0, 0.0, float(width), float(height)):
            picture = np.asarray(Image.fromarray(picture).resize(size, FILTERS[self.interpolation], box=box))
        return np.array(picture).reshape(*picture.shape[:2], -1)

    def batch(self, images: Iterable[Image.Image] | np.ndarray) -> Tensor:
        """Images, or an array of them (uint8, N x H x W gray or N x H x W x 3) -> uint8 tensor N x C x H x W."""
        if isinstance(images, np.ndarray):
            framed = self._framed(images)
            if framed is not None:
                return framed
            images = (Image.fromarray(image) for image in images)
        pixels = [self.pixels(image) for image in images]
        return torch.stack(pixels) if pixels else torch.empty(0, *self.input_size, dtype=torch.uint8)

    def _framed(self, images: np.ndarray) -> Tensor | None:
        """All images at once where nothing has to be resized or recoloured; None where something has."""
        channels, height, width = self.input_size
        stacked = images[..., None] if images.ndim == 3 else images
        fits = stacked.shape[1:] == (height - 2 * self.border, width - 2 * self.border, channels)
        if not fits or (self.crop_mode == "center" and self.crop_pct < 1):
            return None
        edge = (self.border, self.border)
        framed = np.pad(stacked, ((0, 0), edge, edge, (0, 0)))
        return torch.from_numpy(framed).permute(0, 3, 1, 2).contiguous()

    def normalize(self, pixels: Tensor) -> Tensor:
        """A batch of pixel values 0..255 N x C x H x W on any device -> float32, (pixel / 255 - mean) / std a channel.

        A float batch is written over.
        """
        scale, shift = self._scale_and_shift(pixels.device)
        if pixels.shape[1] == 1 or not pixels.is_contiguous(memory_format=torch.channels_last):
            return pixels.float().mul_(scale).add_(shift)
        # The same along whole lines of the image, where the channels lie side by side: seven times as fast.
        n, channels, height, width = pixels.shape
        lines = pixels.permute(0, 2, 3, 1).reshape(n * height, width * channels).float()
        lines.mul_(scale.view(1, -1).repeat(1, width)).add_(shift.view(1, -1).repeat(1, width))
        return lines.view(n, height, width, channels).permute(0, 3, 1, 2)

    def _scale_and_shift(self, device: torch.device) -> tuple[Tensor, Tensor]:
        mean = torch.tensor(self.mean, dtype=torch.float64).view(-1, 1, 1)
        std = torch.tensor(self.std, dtype=torch.float64).view(-1, 1, 1)
        return (1 / (255 * std)).float().to(device), (-mean / std).float().to(device)

    def scaled_by(self, statistics: tuple[tuple[float, ...], tuple[float, ...]]) -> Preprocess:
        """The same, with another mean and standard deviation a channel."""
        return replace(self, mean=statistics[0], std=statistics[1])

    def with_statistics(self, pixels: Tensor) -> Preprocess:
        """The same, with mean and standard deviation a channel taken from a uint8 batch (training images)."""
        return self.scaled_by(channel_statistics(pixels))

    def to_dict(self) -> dict[str, Any]:
        """Plain values; `from_dict` is the way back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Preprocess:
        """From `to_dict` after a trip through JSON; ModelFileError if a value is missing or of the wrong kind."""
        try:
            return cls(
                input_size=_triple(values["input_size"]),
                mean=tuple(float(v) for v in values["mean"]),
                std=tuple(float(v) for v in values["std"]),
                interpolation=str(values["interpolation"]),
                crop_mode=str(values["crop_mode"]),
                border=int(values["border"]),
                crop_pct=float(values.get("crop_pct", 1.0)),
                superpixels=int(values.get("superpixels", 0)),
            )
        except (KeyError, TypeError, ValueError, OverflowError) as problem:
            raise ModelFileError(f"preprocessing: missing or wrong value ({problem!r})") from problem


def channel_statistics(pixels: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation a channel of uint8 pixels N x C x H x W, in units of 0..1."""
    return statistics(channel_moments(pixels), pixels.numel() // pixels.shape[1])


def channel_moments(pixels: Tensor) -> np.ndarray:
    """Sums of the values of each channel of uint8 pixels N x C x H x W, and of their squares: int64 2 x C, exact.

    From the counts of the 256 values, without a copy of the images in a larger type.
    """
    counts = torch.stack([torch.bincount(channel.flatten(), minlength=256) for channel in pixels.unbind(1)])
    values = torch.arange(256)
    return torch.stack([(counts * values).sum(1), (counts * values.square()).sum(1)]).numpy()


def image_moments(array: np.ndarray) -> np.ndarray:
    """The same of one image H x W x C, quicker."""
    height, width, channels = array.shape
    values = array.reshape(height, width * channels).astype(np.uint32)
    sums = values.sum(0, dtype=np.uint32)
    values *= values
    squares = values.sum(0, dtype=np.uint32)  # 10,000 lines of 255 squared fit
    return np.stack([part.reshape(width, channels).sum(0, dtype=np.int64) for part in (sums, squares)])


def statistics(moments: np.ndarray, count: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation a channel in units of 0..1, from the sums over `count` values a channel."""
    means, stds = [], []
    for total, squares in zip(*moments.tolist(), strict=True):
        means.append(total / (255 * count))
        # In whole numbers, which Python has of any length: nothing is lost where two large ones nearly cancel.
        variance = (squares * count - total * total) / (255 * count) ** 2
        # A data set of one colour has no spread; any scale does.
        stds.append(max(math.sqrt(variance), 1e-3))
    return tuple(means), tuple(stds)


def _shrunk(
    picture: np.ndarray, size: tuple[int, int], box: tuple[float, float, float, float], interpolation: str
) -> np.ndarray:
    """Part of a colour picture, made smaller: what Pillow makes of it, within two steps of 255, in a fifth of the time.

    The box is rounded to whole pixels, of which several go into one.
    """
    left, top, right, bottom = map(round, box)
    # Only what is recognisably channels-last takes torch's quick way: a copy without gaps, made a batch before it is
    # turned, which takes half the time.
    values = torch.from_numpy(picture[top:bottom, left:right].copy())[None].permute(0, 3, 1, 2)
    shrunk = F.interpolate(values, size[::-1], mode=interpolation, antialias=True)
    return shrunk.permute(0, 2, 3, 1)[0].contiguous().numpy()


def _triple(values: Sequence[Any]) -> tuple[int, int, int]:
    channels, height, width = (int(v) for v in values)
    return channels, height, width
