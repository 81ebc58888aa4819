"""What-if: a copy of the network with channels switched off and kernels edited, and the image with parts covered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from ..insight import Node
from .http.errors import invalid, not_found
from .layer_maps import LayerMaps, layer_maps
from .shared_weights import copy_modules

Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e6, le=1e6)]
Index = Annotated[int, Field(ge=0)]


class _StrictModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KernelEdit(_StrictModel):
    """New weights of the kernel from map `input` to map `map` of a layer; those of a dense layer are 1 x 1."""

    layer: str
    map: Index
    input: Index
    values: Annotated[list[Annotated[list[Number], Field(max_length=64)]], Field(min_length=1, max_length=64)]


class Disc(_StrictModel):
    """A disc of the input that is covered with the image's mean colour; in pixels of the input."""

    row: Number
    column: Number
    radius: Annotated[float, Field(gt=0, le=10_000)]


class PixelEdit(_StrictModel):
    """New values of one pixel of the input, one per colour."""

    row: Index
    column: Index
    values: Annotated[list[Annotated[int, Field(ge=0, le=255)]], Field(min_length=1, max_length=16)]


class WhatIf(_StrictModel):
    """All changes to the network and the image of a session."""

    channels_off: Annotated[dict[str, Annotated[list[Index], Field(max_length=10_000)]], Field(max_length=500)] = {}
    kernels: Annotated[list[KernelEdit], Field(max_length=1000)] = []
    occlude: Annotated[list[Disc], Field(max_length=1000)] = []
    pixels: Annotated[list[PixelEdit], Field(max_length=2000)] = []

    @property
    def changes_network(self) -> bool:
        """Whether the network is another one than without the changes."""
        return bool(self.kernels) or any(self.channels_off.values())

    def is_off(self, layer: str, channel: int) -> bool:
        """Return whether a map is switched off."""
        return channel in self.channels_off.get(layer, ())

    def apply_to_pixels(self, pixels: Tensor) -> Tensor:
        """Return uint8 pixels 1 x C x H x W with the discs covered and pixels replaced; a copy if there are any.

        HttpError 422 for a pixel that the image does not have.
        """
        return self._replaced(self._covered(pixels))

    def _replaced(self, pixels: Tensor) -> Tensor:
        if not self.pixels:
            return pixels
        _, channels, height, width = pixels.shape
        changed = pixels.clone()
        for edit in self.pixels:
            if edit.row >= height or edit.column >= width or len(edit.values) != channels:
                raise invalid(
                    f"the input is {channels} x {height} x {width}: it has no pixel {edit.row}, {edit.column} of "
                    f"{len(edit.values)} colours",
                    f"输入的大小是 {channels} x {height} x {width}，没有这样的像素",
                )
            changed[0, :, edit.row, edit.column] = torch.tensor(edit.values, dtype=torch.uint8, device=pixels.device)
        return changed

    def _covered(self, pixels: Tensor) -> Tensor:
        if not self.occlude:
            return pixels
        rows = torch.arange(pixels.shape[2])[:, None]
        columns = torch.arange(pixels.shape[3])[None]
        covered = torch.zeros(pixels.shape[2:], dtype=torch.bool)
        for disc in self.occlude:
            covered |= (rows - disc.row) ** 2 + (columns - disc.column) ** 2 <= disc.radius**2
        mean = pixels.float().mean((2, 3), keepdim=True).round().to(torch.uint8)
        return torch.where(covered, mean, pixels)

    def apply_to_network(self, network: nn.Module, nodes: dict[str, Node]) -> nn.Module:
        """Return a copy of the network with all changes to it; the network itself if there are none.

        HttpError 404 for a layer that does not exist, 422 for a kernel or map that it does not have.
        """
        if not self.channels_off and not self.kernels:
            return network
        edited = {f"{_node(nodes, edit.layer).module}.weight" for edit in self.kernels}
        changed = copy_modules(network, tuple(edited))
        for edit in self.kernels:
            _edit_kernel(changed, _node(nodes, edit.layer), edit)
        maps = layer_maps(list(nodes.values())) if self.channels_off else {}
        for layer, channels in self.channels_off.items():
            if channels:
                _switch_off(changed, _node(nodes, layer), channels, maps.get(layer))
        return changed


def _node(nodes: dict[str, Node], layer: str) -> Node:
    if layer not in nodes:
        raise not_found("layer", "层", layer)
    return nodes[layer]


def _edit_kernel(network: nn.Module, node: Node, edit: KernelEdit) -> None:
    module = network.get_submodule(node.module) if node.module else None
    kernel = _kernel(module, edit.map, edit.input) if module is not None else None
    if kernel is None:
        raise invalid(
            f"{node.name} has no kernel from map {edit.input} to map {edit.map}",
            f"{node.name} 没有从特征图 {edit.input} 到特征图 {edit.map} 的卷积核",
        )
    shape = kernel.shape if kernel.ndim == 2 else (1, 1)
    is_rectangular = len({len(row) for row in edit.values}) == 1
    values = torch.tensor(edit.values) if is_rectangular else torch.empty(0)
    if values.shape != shape:
        size = " x ".join(map(str, shape))
        raise invalid(f"the kernels of {node.name} are {size}", f"{node.name} 的卷积核大小是 {size}")
    with torch.no_grad():
        kernel.copy_(values.reshape(kernel.shape))


def _kernel(module: nn.Module, out: int, inp: int) -> Tensor | None:
    """Return the part of a layer's weight from input map `inp` to output map `out`; None if there is none."""
    weight = getattr(module, "weight", None)
    if not isinstance(weight, nn.Parameter):
        return None
    data = weight.data
    table = getattr(module, "table", None)
    if table is not None:  # one kernel per connection, in the order of the output maps
        if out >= len(table) or inp not in table[out]:
            return None
        return data[sum(len(row) for row in table[:out]) + table[out].index(inp)]
    if data.ndim not in (2, 4) or out >= data.shape[0]:
        return None
    groups = getattr(module, "groups", 1)
    first = out // (data.shape[0] // groups) * data.shape[1]
    return data[out, inp - first] if 0 <= inp - first < data.shape[1] else None


def _switch_off(network: nn.Module, node: Node, channels: list[int], maps: LayerMaps | None) -> None:
    if node.module is None:
        raise invalid(
            f"{node.name} is an operation without a module: switch off the maps of its inputs instead",
            f"{node.name} 是没有模块的运算，请改为关闭它的输入特征图",
        )
    count = node.shape[0] if maps is None else maps.shape[0]
    if max(channels) >= count:
        raise invalid(
            f"{node.name} has {count} maps, counted from 0", f"{node.name} 有 {count} 个特征图，从 0 开始编号"
        )
    call = int(node.name.rpartition("#")[2]) if "#" in node.name else 1
    counter = {"calls": 0}
    network.register_forward_pre_hook(_reset_hook(counter))
    network.get_submodule(node.module).register_forward_hook(_zero_hook(counter, call, channels, maps))


def _reset_hook(counter: dict[str, int]) -> Callable[..., None]:
    """Return a hook that starts the count of calls again with every image."""

    def reset(module: nn.Module, inputs: Any) -> None:
        counter["calls"] = 0

    return reset


def _zero_hook(counter: dict[str, int], call: int, channels: list[int], maps: LayerMaps | None) -> Callable[..., Any]:
    """Return a hook that zeroes `channels` of the output of a module's `call`-th call."""

    def zero(module: nn.Module, inputs: Any, output: Tensor) -> Tensor | None:
        counter["calls"] += 1
        if counter["calls"] != call:
            return None
        if maps is not None:
            return output * maps.without(channels).to(output)
        kept = torch.ones(output.shape[1], dtype=output.dtype, device=output.device)
        kept[channels] = 0
        return output * kept.view(1, -1, *[1] * (output.ndim - 2))

    return zero
