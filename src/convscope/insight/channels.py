"""One channel of a layer: check that it exists, and get its maps with gradients."""

from __future__ import annotations

from torch import Tensor, nn

from .tracing.trace import record


def check_channel(layer: str, channels: int, channel: int) -> None:
    """Raise ValueError for a channel that a layer does not have."""
    if not 0 <= channel < channels:
        raise ValueError(f"'{layer}' has no channel {channel}: it has {channels}, counted from 0")


def differentiable_maps(network: nn.Module, images: Tensor, layer: str, channel: int) -> tuple[Tensor, Tensor]:
    """Return the output of a layer for images N x C x H x W, and the images by which it can be differentiated.

    ValueError for an unknown layer, or a channel that it does not have.
    """
    trace = record(network, images, keep=("input", layer), differentiable=True)
    maps = trace.output(layer)
    check_channel(layer, maps.shape[1], channel)
    return maps, trace.output("input")
