"""How many input pixels one unit can see, followed through every operation of a forward pass.

Araujo, Norris, Sim, *Computing Receptive Fields of Convolutional Neural Networks*, Distill 2019: along each path,
r grows by (k - 1) * j at a layer of kernel k, and the jump j grows by its stride; where paths join, the largest counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry
from torch.utils.weak import WeakTensorKeyDictionary

aten = torch.ops.aten
Pair = tuple[float, float]

POOLS = {
    aten.max_pool2d_with_indices, aten.max_pool2d, aten.mkldnn_max_pool2d,
    aten.avg_pool2d, aten.avg_pool3d, aten.max_pool3d_with_indices,
}  # fmt: skip
ADAPTIVE_POOLS = {aten._adaptive_avg_pool2d, aten.adaptive_avg_pool2d, aten.adaptive_max_pool2d}
MATRIX_PRODUCTS = {aten.mm, aten.addmm, aten.bmm, aten.baddbmm, aten.linear}
EVERYTHING = (math.inf, math.inf)


@dataclass(frozen=True)
class Field:
    """Height and width of a receptive field in input pixels, and the jump between neighbouring units' fields.

    `start` is where the field of the first unit (row 0, column 0) begins; padding puts it outside of the image.
    """

    size: Pair = (1.0, 1.0)
    jump: Pair = (1.0, 1.0)
    start: Pair = (0.0, 0.0)

    def through(self, kernel: Pair, stride: Pair, padding: Pair = (0.0, 0.0)) -> Field:
        """The field behind a window of `kernel` that moves by `stride` and begins `padding` before the first unit."""
        size = tuple(r + (k - 1) * j for r, k, j in zip(self.size, kernel, self.jump, strict=True))
        jump = tuple(j * s for j, s in zip(self.jump, stride, strict=True))
        start = tuple(b - p * j for b, p, j in zip(self.start, padding, self.jump, strict=True))
        return Field(size, jump, start)  # type: ignore[arg-type]

    def widest(self, other: Field) -> Field:
        """The field of a unit that two paths reach."""
        if math.inf in (*self.size, *other.size):
            return Field(EVERYTHING, self.jump)
        start = tuple(map(min, self.start, other.start))
        ends = [max(a.start[i] + a.size[i] for a in (self, other)) for i in (0, 1)]
        jump = tuple(map(max, self.jump, other.jump))
        return Field((ends[0] - start[0], ends[1] - start[1]), jump, start)  # type: ignore[arg-type]


class ArithmeticTracker(TorchDispatchMode):
    """Follows the receptive field of every tensor and adds up multiply-accumulates while it is active."""

    def __init__(self, images: Tensor):
        super().__init__()
        self.fields = WeakTensorKeyDictionary()
        self.fields[images] = Field()
        self.macs = 0

    def field(self, tensor: Tensor) -> Field | None:
        """The receptive field of one unit of `tensor`, or None if it does not depend on the images."""
        return self.fields.get(tensor)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        operation = func._overloadpacket
        if operation in flop_registry:
            # The registry counts a multiplication and an addition as two.
            self.macs += flop_registry[operation](*args, **(kwargs or {}), out_val=output) // 2
        inputs = [t for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor) and t in self.fields]
        if inputs:
            field = self._behind(operation, args, inputs, output)
            for tensor in tree_leaves(output):
                if isinstance(tensor, Tensor):
                    self.fields[tensor] = field
        return output

    def _behind(self, operation: Any, args: Any, inputs: list[Tensor], output: Any) -> Field:
        # Where maps meet a gate of fewer dimensions or pixels (squeeze-and-excitation), the maps' own field counts.
        largest = max(_pixels(t) for t in inputs)
        joined: Field | None = None
        for tensor in inputs:
            if _pixels(tensor) == largest:
                field = self.fields[tensor]
                joined = field if joined is None else joined.widest(field)
        assert joined is not None
        if operation is aten.convolution:
            transposed, dilation = args[6], _pair(args[5])
            if transposed:
                return Field(EVERYTHING, joined.jump)
            kernel = _pair(args[1].shape[2:])
            return joined.through(
                (1 + (kernel[0] - 1) * dilation[0], 1 + (kernel[1] - 1) * dilation[1]), _pair(args[3])
            )
        if operation in POOLS:
            kernel = _pair(args[1])
            return joined.through(kernel, _pair(args[2]) if len(args) > 2 and args[2] else kernel)
        if operation in ADAPTIVE_POOLS:
            return _adaptive(joined, args[0].shape[-2:], tree_leaves(output)[0].shape[-2:])
        if operation in MATRIX_PRODUCTS or (operation in (aten.mean, aten.sum, aten.amax) and largest > 1):
            return Field(EVERYTHING, joined.jump)
        return joined


def _adaptive(field: Field, before: torch.Size, after: torch.Size) -> Field:
    if tuple(after) == (1, 1) and tuple(before) != (1, 1):
        return Field(EVERYTHING, field.jump)
    stride = tuple(max(b // a, 1) for b, a in zip(before, after, strict=True))
    kernel = tuple(b - (a - 1) * s for b, a, s in zip(before, after, stride, strict=True))
    return field.through(_pair(kernel), _pair(stride))


def _pixels(tensor: Tensor) -> int:
    return tensor.shape[-2] * tensor.shape[-1] if tensor.ndim >= 4 else 1


def _pair(value: Any) -> Pair:
    if isinstance(value, int | float):
        return float(value), float(value)
    values = [float(v) for v in value]
    return (values[-2], values[-1]) if len(values) > 1 else (values[0], values[0])
