"""What-if: the network with channels off and kernels edited, the image with a part covered. Always on a copy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from ..insight import Node
from .classifiers import with_own_modules
from .http.errors import Refusal, unknown, wrong

Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e6, le=1e6)]
Index = Annotated[int, Field(ge=0)]


class _Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KernelEdit(_Plain):
    """New numbers of the kernel that takes map `input` to map `map` of a layer; a dense layer's are 1 x 1."""

    layer: str
    map: Index
    input: Index
    values: Annotated[list[Annotated[list[Number], Field(max_length=64)]], Field(min_length=1, max_length=64)]


class Spot(_Plain):
    """A disc on the input that is covered with its mean colour; in pixels of the input."""

    row: Number
    column: Number
    radius: Annotated[float, Field(gt=0, le=10_000)]


class Edits(_Plain):
    """All that is different from the classifier and the image as they are."""

    channels_off: Annotated[dict[str, Annotated[list[Index], Field(max_length=10_000)]], Field(max_length=500)] = {}
    kernels: Annotated[list[KernelEdit], Field(max_length=1000)] = []
    occlude: Annotated[list[Spot], Field(max_length=1000)] = []

    def is_off(self, layer: str, channel: int) -> bool:
        """Whether a map was switched off."""
        return channel in self.channels_off.get(layer, ())

    def apply_to_pixels(self, pixels: Tensor) -> Tensor:
        """uint8 pixels 1 x C x H x W -> the same with the discs covered, in memory of its own."""
        if not self.occlude:
            return pixels
        rows = torch.arange(pixels.shape[2])[:, None]
        columns = torch.arange(pixels.shape[3])[None]
        hidden = torch.zeros(pixels.shape[2:], dtype=torch.bool)
        for spot in self.occlude:
            hidden |= (rows - spot.row) ** 2 + (columns - spot.column) ** 2 <= spot.radius**2
        mean = pixels.float().mean((2, 3), keepdim=True).round().to(torch.uint8)
        return torch.where(hidden, mean, pixels)

    def apply_to_network(self, network: nn.Module, nodes: dict[str, Node]) -> nn.Module:
        """A copy of the network with everything edited; the network itself if nothing is."""
        if not self.channels_off and not self.kernels:
            return network
        homes = {f"{_node(nodes, edit.layer).module}.weight" for edit in self.kernels}
        changed = with_own_modules(network, tuple(homes))
        for edit in self.kernels:
            _edit_kernel(changed, _node(nodes, edit.layer), edit)
        for layer, channels in self.channels_off.items():
            if channels:
                _switch_off(changed, _node(nodes, layer), channels)
        return changed


def _node(nodes: dict[str, Node], layer: str) -> Node:
    if layer not in nodes:
        raise unknown("layer", "层", layer)
    return nodes[layer]


def _edit_kernel(network: nn.Module, node: Node, edit: KernelEdit) -> None:
    module = network.get_submodule(node.module) if node.module else None
    place = _kernel_place(module, edit.map, edit.input) if module is not None else None
    if place is None:
        raise wrong(
            f"{node.name} has no kernel from map {edit.input} to map {edit.map}",
            f"{node.name} 没有从图 {edit.input} 到图 {edit.map} 的卷积核",
        )
    values = torch.tensor(edit.values) if len({len(row) for row in edit.values}) == 1 else torch.empty(0)
    if values.shape != (place.shape if place.ndim == 2 else (1, 1)):
        shape = " x ".join(map(str, place.shape if place.ndim == 2 else (1, 1)))
        raise wrong(f"the kernels of {node.name} are {shape}", f"{node.name} 的卷积核大小是 {shape}")
    with torch.no_grad():
        place.copy_(values.reshape(place.shape))


def _kernel_place(module: nn.Module, out: int, inp: int) -> Tensor | None:
    """The part of a layer's weight that takes input map `inp` to output map `out`; None if there is none."""
    weight = getattr(module, "weight", None)
    if not isinstance(weight, nn.Parameter):
        return None
    data = weight.data
    table = getattr(module, "table", None)
    if table is not None:  # one kernel a connection, in the order of the output maps
        if out >= len(table) or inp not in table[out]:
            return None
        return data[sum(len(row) for row in table[:out]) + table[out].index(inp)]
    if data.ndim not in (2, 4) or out >= data.shape[0]:
        return None
    groups = getattr(module, "groups", 1)
    first = out // (data.shape[0] // groups) * data.shape[1]
    return data[out, inp - first] if 0 <= inp - first < data.shape[1] else None


def _switch_off(network: nn.Module, node: Node, channels: list[int]) -> None:
    if node.module is None:
        raise Refusal(
            422,
            f"{node.name} is an operation without a module: switch the maps of its inputs off",
            f"{node.name} 不是独立的层，请关闭它的输入图",
        )
    if max(channels) >= node.shape[0]:
        raise wrong(
            f"{node.name} has {node.shape[0]} maps, counted from 0", f"{node.name} 有 {node.shape[0]} 个图，从 0 开始"
        )
    call = int(node.name.rpartition("#")[2]) if "#" in node.name else 1
    counter = {"calls": 0}
    network.register_forward_pre_hook(_setting(counter))
    network.get_submodule(node.module).register_forward_hook(_clearing(counter, call, channels))


def _setting(counter: dict[str, int]) -> Callable[..., None]:
    def begin(module: nn.Module, inputs: Any) -> None:
        counter["calls"] = 0

    return begin


def _clearing(counter: dict[str, int], call: int, channels: list[int]) -> Callable[..., Any]:
    def clear(module: nn.Module, inputs: Any, output: Tensor) -> Tensor | None:
        counter["calls"] += 1
        if counter["calls"] != call:
            return None
        kept = torch.ones(output.shape[1], dtype=output.dtype, device=output.device)
        kept[channels] = 0
        return output * kept.view(1, -1, *[1] * (output.ndim - 2))

    return clear
