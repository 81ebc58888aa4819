"""Find the input of a network that says nothing about it: channels from its first layer, the size by trying."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from ...nested import tensors_in
from ..tools.copying import copy_network

Size = tuple[int, int, int]
# A network that adds up whatever it is given takes the wrong size without an error where that happens to divide; with
# this many images it then has another number of rows.
IMAGES = 3
# Sizes that papers and tutorials use, tried before all others.
CUSTOMARY = (28, 32, 224, 227, 299, 64, 96, 128, 256, 48, 36, 40, 80, 100, 112, 150, 160, 180, 192, 200, 384)
LARGEST = 512
# A network that shrinks an image of 224 at least this much was made for photos, another one for digits and icons.
PHOTO_SHRINKS = 16


def find_input(network: nn.Module, given_channels: int | None = None) -> Size | None:
    """Return channels x height x width that `network` takes, None if no square image up to 512 pixels fits.

    Of a network that takes any size, 224 if it shrinks images as networks for photos do, else 32, or 28 for gray ones.
    """
    shapes = on_meta(network)
    for channels in _channels(network, given_channels):
        if all(takes(shapes, (channels, side, side)) for side in (224, 225)):
            small = 28 if channels == 1 else 32
            fits_small = takes(shapes, (channels, small, small))
            for_small = fits_small and (
                shrinks(shapes, channels) < PHOTO_SHRINKS
                # Maps that are flattened at the end are one number per class only of the images that it was made for.
                or outputs_for(shapes, (channels, 224, 224)) != outputs_for(shapes, (channels, small, small))
            )
            side = small if for_small else 224
            return channels, side, side
    for sides in (CUSTOMARY, [side for side in range(1, LARGEST + 1) if side not in CUSTOMARY]):
        for channels in _channels(network, given_channels):
            for side in sides:
                if takes(shapes, (channels, side, side)):
                    return channels, side, side
    # Some code does not run on shapes alone: it looks at values, or makes tensors on a device that it names.
    for channels in _channels(network, given_channels):
        for side in sorted(CUSTOMARY):
            if takes(network, (channels, side, side)):
                return channels, side, side
    return None


@torch.no_grad()
def outputs_for(network: nn.Module, size: Size) -> int | None:
    """Return how many numbers per image a network in evaluation mode gives for images of this size, which it takes."""
    device = next((tensor.device for tensor in network.parameters()), torch.device("cpu"))
    outputs = tensors_in(network(torch.zeros(IMAGES, *size, device=device)))
    return outputs[0][0].numel() if outputs else None


def takes_rows(network: nn.Module) -> bool:
    """Tell whether a network takes no images, but their pixels as one row: many begin with `nn.Linear(784, ...)`."""
    first = next((m for m in network.modules() if isinstance(m, nn.Linear | nn.Conv2d)), None)
    if not isinstance(first, nn.Linear) or isinstance(first, nn.LazyLinear):
        return False
    count = first.in_features
    sizes = [(c, math.isqrt(count // c), math.isqrt(count // c)) for c in (1, 3) if _is_square(count, c)]
    shapes = on_meta(network)
    if not sizes or any(takes(shapes, size) for size in sizes):
        return False
    try:
        with torch.no_grad():
            outputs = tensors_in(shapes(torch.zeros(IMAGES, count, device="meta")))
    except Exception:  # it is anybody's code
        return False
    return bool(outputs) and len(outputs[0]) == IMAGES


def as_row(module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Give a network of rows of pixels its images as such (a forward hook)."""
    return tuple(value.flatten(1) if isinstance(value, Tensor) and value.ndim == 4 else value for value in inputs)


def on_meta(network: nn.Module) -> nn.Module:
    """Return a copy of a network in evaluation mode that computes shapes alone and has no memory for weights."""
    tensors: Iterable[Tensor] = [*network.parameters(), *network.buffers()]
    shapes: dict[int, Any] = {}
    for tensor in tensors:
        empty = torch.empty_like(tensor, device="meta")
        shapes[id(tensor)] = nn.Parameter(empty, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else empty
    return copy_network(network, shapes).eval()


def takes(network: nn.Module, size: Size) -> bool:
    """Tell whether a network gives one row per image for images of this size."""
    return refusal(network, size) is None


@torch.no_grad()
def refusal(network: nn.Module, size: Size, channels_last: bool = False) -> str | None:
    """Return why a network does not take images of this size, None if it gives one row per image."""
    device = next((tensor.device for tensor in network.parameters()), torch.device("cpu"))
    was_training = network.training
    try:
        channels, height, width = size
        images = torch.zeros(IMAGES, channels, height, width, device=device)
        if channels_last:  # with strides that say so even of one channel, as `to(memory_format=...)` does not give
            images = torch.zeros(IMAGES, height, width, channels, device=device).permute(0, 3, 1, 2)
        outputs = tensors_in(network.eval()(images))
    except Exception as problem:  # it is anybody's code
        return str(problem).strip().split("\n")[0] or type(problem).__name__
    finally:
        network.train(was_training)
    rows = [len(output) for output in outputs if output.ndim]
    if not rows or rows[0] != IMAGES:
        return f"it gives {rows[0] if rows else 0} rows of numbers for {IMAGES} images"
    return None


def _channels(network: nn.Module, given: int | None) -> list[int]:
    """Return the numbers of channels to try, by the first layer with weights."""
    if given is not None:
        return [given]
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            return [module.in_channels]
        if isinstance(module, nn.Linear):
            return [channels for channels in (1, 3) if _is_square(module.in_features, channels)] or [1, 3]
    return [3, 1]


def _is_square(values: int, channels: int) -> bool:
    return values % channels == 0 and math.isqrt(values // channels) ** 2 == values // channels


def shrinks(shapes: nn.Module, channels: int) -> float:
    """Return by how much the smallest maps of a network are smaller than its image, before they become one value."""
    sides = [224]

    def observe(module: nn.Module, inputs: Any, output: Any) -> None:
        sides.extend(t.shape[-1] for t in tensors_in(output) if t.ndim == 4 and t.shape[-1] > 1)

    hooks = [module.register_forward_hook(observe) for module in shapes.modules()]
    try:
        takes(shapes, (channels, 224, 224))
    finally:
        for hook in hooks:
            hook.remove()
    return 224 / min(sides)
