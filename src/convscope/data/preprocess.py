"""Turn images into tensors: the only code that does so, shared by training, evaluation and prediction.

In two steps, so that training can keep the result of the first in memory: `pixels` resizes and crops one image to uint8
pixels, `normalize` turns a batch of them into the float tensor that the network gets. The first needs no torch, which
is imported where it is used.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ..choices import CROP_MODES
from ..errors import ModelFileError, require_extra
from .image_file import Levels, decode_pixels, to_gray_or_rgb
from .shrinking import shrunk
from .superpixels import superpixels

if TYPE_CHECKING:
    import torch
    from torch import Tensor

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}


@dataclass(frozen=True)
class Preprocess:
    """The resizing, cropping and normalisation that turn an image into a network's input.

    `input_size` is channels x height x width. The picture is fitted into that size less `border` pixels on each side by
    one of the `crop_mode`s: `center` cuts off the ends of the longer side, `pad` adds black bars beside the shorter
    one, `squash` changes the proportions. With `center`, `crop_pct` below 1 keeps only that share of each side: 224/256
    is the central 224 of a picture whose shorter side is resized to 256 (see `frame`). With `superpixels` above 0, the
    result is reduced to about that many regions of one colour each. `mean` and `std` have one number per channel, in
    units of the pixel range 0..1. `levels` are the values that stand for black and white in images of more than 8 bits
    per channel, such as 0 and 4095 for data of 12 bits; None if no such images were seen. Raises ModelFileError for
    values that make no sense.

    >>> import torch
    >>> preprocess = Preprocess((1, 28, 28), (0.5,), (0.5,))
    >>> preprocess.normalize(torch.tensor([[[[0, 255]]]], dtype=torch.uint8)).tolist()
    [[[[-1.0, 1.0]]]]
    """

    input_size: tuple[int, int, int]
    mean: tuple[float, ...] = (0.5,)
    std: tuple[float, ...] = (0.5,)
    interpolation: str = "bilinear"
    crop_mode: str = "center"
    border: int = 0
    crop_pct: float = 1.0
    superpixels: int = 0
    levels: Levels | None = None

    def __post_init__(self) -> None:
        channels, height, width = self.input_size
        if channels not in (1, 3):
            raise ModelFileError(f"preprocessing: images must have 1 or 3 channels, not {channels}")
        if not 1 <= min(height, width) <= max(height, width) <= 10_000 or not 0 <= 2 * self.border < min(height, width):
            raise ModelFileError(f"preprocessing: {height} x {width} with a border of {self.border} leaves no picture")
        if self.interpolation not in FILTERS or self.crop_mode not in CROP_MODES:
            raise ModelFileError(
                f"preprocessing: unknown interpolation '{self.interpolation}' or crop mode '{self.crop_mode}'"
            )
        if not 0 <= self.superpixels <= 100_000:
            raise ModelFileError(f"preprocessing: superpixels must be from 0 to 100000, not {self.superpixels}")
        if self.superpixels:
            require_extra("superpixels", "skimage", "superpixels need scikit-image")
        if self.levels is not None and not (
            all(map(math.isfinite, self.levels[:2])) and self.levels[0] < self.levels[1]
        ):
            raise ModelFileError(f"preprocessing: black must be below white, not {self.levels}")
        if not 0.1 <= self.crop_pct <= 1:
            raise ModelFileError(f"preprocessing: crop_pct must be from 0.1 to 1, not {self.crop_pct}")
        finite = all(map(math.isfinite, (*self.mean, *self.std)))
        if not len(self.mean) == len(self.std) == channels or not finite or min(self.std) <= 0:
            raise ModelFileError(f"preprocessing: mean and std must have {channels} finite numbers, std above 0")

    @property
    def padding(self) -> str:
        """The padding in words; empty if there is none."""
        if not self.border:
            return ""
        _, height, width = self.input_size
        inner = f"{height - 2 * self.border} x {width - 2 * self.border}"
        edge = f"{self.border} black pixels on each side" if self.border > 1 else "1 black pixel on each side"
        return f"images of {inner} are padded to {height} x {width} with {edge}; others are resized first"

    @property
    def scaling(self) -> str:
        """The mean and the deviation in words."""
        mean, deviation = (" ".join(f"{value:.3g}" for value in each) for each in (self.mean, self.std))
        return f"images are scaled by mean {mean} and deviation {deviation} (of the range 0 to 1)"

    @property
    def frame(self) -> Preprocess | None:
        """The same with the margin that `crop_pct` cuts off: the square of 256 of which the input is the central 224.

        None if the input is all that there is, or has a border or superpixels, which are no part of a larger picture.
        """
        if self.crop_mode != "center" or self.crop_pct >= 1 or self.border or self.superpixels:
            return None
        channels, *sides = self.input_size
        height, width = (round(side / self.crop_pct) for side in sides)
        return replace(self, input_size=(channels, height, width), crop_pct=1.0)

    def centre(self, images: Tensor) -> Tensor:
        """Return the centre of `input_size` of images N x C x H x W that are decoded as a larger frame, a view."""
        _, height, width = self.input_size
        top, left = (round((have - want) / 2) for have, want in zip(images.shape[2:], (height, width), strict=True))
        return images[:, :, top : top + height, left : left + width]

    @property
    def longest_side(self) -> int:
        """The side, in pixels, to which the whole picture's shorter side would be resized at most before cropping."""
        share = self.crop_pct if self.crop_mode == "center" else 1.0
        return math.ceil((max(self.input_size[1:]) - 2 * self.border) / share)

    def read(self, content: bytes) -> Tensor:
        """Decode an encoded image to a uint8 tensor C x H x W, as training does; UnreadableImage with the reason.

        A large JPEG is decoded at reduced size (see `longest_side`).
        """
        return self._tensor(self.array(decode_pixels(content, self.longest_side, self.levels)))

    def pixels(self, image: Image.Image) -> Tensor:
        """Turn a Pillow image of any mode and size into a uint8 tensor C x H x W."""
        return self._tensor(self.array(np.asarray(to_gray_or_rgb(image, self.levels))))

    def _tensor(self, array: np.ndarray) -> Tensor:
        import torch

        return torch.from_numpy(array).permute(2, 0, 1).contiguous()

    def array(self, picture: np.ndarray) -> np.ndarray:
        """Turn a picture of any size, uint8 H x W (gray) or H x W x 3, into a uint8 array H x W x C of `input_size`.

        Cropping and resizing are one operation, so that memory stays in proportion to input and output however long and
        thin the picture is.
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
        """Crop and resize a picture to at most `inner` (width, height), without bars and border: H x W x C."""
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
            return shrunk(picture, size, box, self.interpolation)
        if (width, height) != size or box != (0.0, 0.0, float(width), float(height)):
            picture = np.asarray(Image.fromarray(picture).resize(size, FILTERS[self.interpolation], box=box))
        return np.array(picture).reshape(*picture.shape[:2], -1)

    def batch(self, images: Iterable[Image.Image] | np.ndarray) -> Tensor:
        """Turn Pillow images, or uint8 N x H x W (gray) or N x H x W x 3, into a uint8 tensor N x C x H x W."""
        import torch

        if isinstance(images, np.ndarray):
            framed = self._framed(images)
            if framed is not None:
                return framed
            images = (Image.fromarray(image) for image in images)
        pixels = [self.pixels(image) for image in images]
        return torch.stack(pixels) if pixels else torch.empty(0, *self.input_size, dtype=torch.uint8)

    def _framed(self, images: np.ndarray) -> Tensor | None:
        """Add the border to all images at once; None if they have to be resized, cropped or converted."""
        import torch

        channels, height, width = self.input_size
        stacked = images[..., None] if images.ndim == 3 else images
        fits = stacked.shape[1:] == (height - 2 * self.border, width - 2 * self.border, channels)
        if not fits or (self.crop_mode == "center" and self.crop_pct < 1):
            return None
        edge = (self.border, self.border)
        framed = np.pad(stacked, ((0, 0), edge, edge, (0, 0)))
        return torch.from_numpy(framed).permute(0, 3, 1, 2).contiguous()

    def normalize(self, pixels: Tensor) -> Tensor:
        """Return (pixel / 255 - mean) / std per channel as float32, for pixels 0..255 N x C x H x W on any device.

        A batch that is float32 already is changed in place.
        """
        import torch

        scale, shift = self._scale_and_shift(pixels.device)
        if pixels.shape[1] == 1 or not pixels.is_contiguous(memory_format=torch.channels_last):
            return pixels.float().mul_(scale).add_(shift)
        # In channels-last memory, the same on whole lines of W x C values is seven times as fast.
        n, channels, height, width = pixels.shape
        lines = pixels.permute(0, 2, 3, 1).reshape(n * height, width * channels).float()
        lines.mul_(scale.view(1, -1).repeat(1, width)).add_(shift.view(1, -1).repeat(1, width))
        return lines.view(n, height, width, channels).permute(0, 3, 1, 2)

    def _scale_and_shift(self, device: torch.device) -> tuple[Tensor, Tensor]:
        import torch

        mean = torch.tensor(self.mean, dtype=torch.float64).view(-1, 1, 1)
        std = torch.tensor(self.std, dtype=torch.float64).view(-1, 1, 1)
        return (1 / (255 * std)).float().to(device), (-mean / std).float().to(device)

    def scaled_by(self, statistics: tuple[tuple[float, ...], tuple[float, ...]]) -> Preprocess:
        """Return a copy with another mean and standard deviation per channel."""
        return replace(self, mean=statistics[0], std=statistics[1])

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values for JSON; `from_dict` reads them."""
        values = asdict(self)
        if (levels := values.pop("levels")) is not None:
            values |= {"black": levels[0], "white": levels[1], "deep": levels[2]}
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Preprocess:
        """Create from what `to_dict` returns, also through JSON; ModelFileError if a value is missing or wrong."""
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
                levels=_levels(values) if "white" in values else None,
            )
        except (KeyError, TypeError, ValueError, OverflowError) as problem:
            raise ModelFileError(f"preprocessing: missing or wrong value ({problem!r})") from problem


def _levels(values: dict[str, Any]) -> Levels:
    return Levels(float(values.get("black", 0)), float(values["white"]), str(values.get("deep", "integers")))


def _triple(values: Sequence[Any]) -> tuple[int, int, int]:
    channels, height, width = (int(v) for v in values)
    return channels, height, width
