"""How one torch call changes receptive fields: from those of its input to those of its output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...nested import leaves
from ..tracing.graph import Call, Ref, Shape, Step
from ..tracing.torch_functions import ADAPTIVE, JOINS, POINTWISE, bind
from . import windows
from .fields import WHOLE, Fields, everything
from .windows import Windows

# Each position of the output takes the same position of the input. The statistics of a norm are not counted.
SAME_POSITION = POINTWISE | JOINS | {
    "batch_norm", "layer_norm", "group_norm", "instance_norm", "local_response_norm", "rms_norm", "normalize",
    "softmax", "log_softmax", "setitem", "channel_shuffle",
}  # fmt: skip
# Each position takes all others, or those that the numbers decide.
ALL_POSITIONS = {
    "matmul", "bmm", "mm", "baddbmm", "addbmm", "einsum", "tensordot", "scaled_dot_product_attention", "cumsum",
    "cumprod", "cummax", "cummin", "logcumsumexp", "sort", "argsort", "flip", "roll", "grid_sample", "lstm", "gru",
    "rnn_tanh", "rnn_relu", "conv1d", "conv_transpose1d", "max_unpool1d", "max_unpool2d", "max_unpool3d",
}  # fmt: skip

Rule = Callable[[Call, Fields, Shape, Shape], Fields]


def through(call: Call, fields: Fields, before: Shape, after: Shape) -> Fields:
    """Return the fields of a tensor that a call returned, from those of its input.

    `before` and `after` are the shapes of input and output without the batch axis. An operation without a rule takes
    each position for itself where the grid stays as it is, and else the whole image.
    """
    if isinstance(call.function, nn.Module) or call.name in ALL_POSITIONS or call.name.startswith("fft_"):
        return WHOLE
    if call.name in RULES:
        fields = RULES[call.name](call, fields, before, after)
    elif fields.axes is None and call.name not in SAME_POSITION:
        return WHOLE
    return fields if _fits(fields, after) else WHOLE


def _fits(fields: Fields, shape: Shape) -> bool:
    """Tell whether a tensor of this shape has the rows and the columns of the fields at their axes."""
    if fields.axes is None:
        return True
    row, column = fields.axes
    return len(shape) >= -row and (shape[row], shape[column]) == (len(fields.rows), len(fields.columns))


def _argument(call: Call, position: int, name: str, default: Any = None) -> Any:
    """Return an argument of a call by its name or its position."""
    if name in call.options:
        return call.options[name]
    return call.arguments[position] if len(call.arguments) > position else default


def _last_two(value: Any) -> tuple[int, int]:
    """Return a setting for rows and for columns that is given as one number or as one per axis."""
    if isinstance(value, int):
        return value, value
    return (int(value[-2]), int(value[-1])) if len(value) > 1 else (int(value[0]), int(value[0]))


def _for_two(call: Call, value: Any, rest: int) -> tuple[int, int]:
    """Return a setting of a pool for rows and columns; one over lines leaves rows as they are (`rest`)."""
    return (rest, _last_two(value)[1]) if call.name.endswith("1d") else _last_two(value)


def _through_windows(fields: Fields, along: Callable[[int], Windows]) -> Fields:
    """Return the fields behind windows over N x C x H x W; `along` gives those along axis -2 and those along -1."""
    if fields.axes != (-2, -1):
        return WHOLE
    return Fields(fields.rows.through(*along(-2)), fields.columns.through(*along(-1)))


def _convolution(call: Call, fields: Fields, before: Shape, after: Shape) -> Fields:
    weight = _argument(call, 1, "weight")
    if not isinstance(weight, Tensor):  # computed from the image
        return WHOLE
    kernel, stride = _last_two(weight.shape[2:]), _last_two(_argument(call, 3, "stride", 1))
    dilation, padding = _last_two(_argument(call, 5, "dilation", 1)), _argument(call, 4, "padding", 0)
    if padding == "same":
        margin = (dilation[0] * (kernel[0] - 1) // 2, dilation[1] * (kernel[1] - 1) // 2)
    else:
        margin = (0, 0) if padding == "valid" else _last_two(padding)
    return _through_windows(
        fields, lambda a: windows.sliding(after[a], kernel[a], stride[a], margin[a], dilation[a])
    )  # fmt: skip


def _transposed_convolution(call: Call, fields: Fields, before: Shape, after: Shape) -> Fields:
    weight = _argument(call, 1, "weight")
    if not isinstance(weight, Tensor):
        return WHOLE
    kernel, stride = _last_two(weight.shape[2:]), _last_two(_argument(call, 3, "stride", 1))
    padding, dilation = _last_two(_argument(call, 4, "padding", 0)), _last_two(_argument(call, 7, "dilation", 1))
    return _through_windows(
        fields, lambda a: windows.transposed(after[a], before[a], kernel[a], stride[a], padding[a], dilation[a])
    )  # fmt: skip


def _pool(call: Call, fields: Fields, before: Shape, after: Shape) -> Fields:
    given = bind(call)
    kernel, stride = (_for_two(call, given[key], 1) for key in ("kernel_size", "stride"))
    padding, dilation = _for_two(call, given.get("padding", 0), 0), _for_two(call, given.get("dilation", 1), 1)
    return _through_windows(
        fields, lambda a: windows.sliding(after[a], kernel[a], stride[a], padding[a], dilation[a])
    )  # fmt: skip


def _adaptive_pool(call: Call, fields: Fields, before: Shape, after: Shape) -> Fields:
    """Take windows of unequal size; a pool to one row sees the whole height, one to one column the whole width."""
    if fields.axes != (-2, -1):
        return WHOLE
    rows, columns = (
        everything() if after[a] == 1 < before[a] else field.through(*windows.adaptive(after[a], before[a]))
        for a, field in ((-2, fields.rows), (-1, fields.columns))
    )
    return Fields(rows, columns)


def _interpolation(call: Call, fields: Fields, before: Shape, after: Shape) -> Fields:
    mode = _argument(call, 3, "mode", "nearest")
    if mode == "area":
        return _adaptive_pool(call, fields, before, after)
    factor = None if _argument(call, 5, "recompute_scale_factor") else _argument(call, 2, "scale_factor")
    align_corners, antialias = _argument(call, 4, "align_corners"), _argument(call, 6, "antialias", False)
    reach = 2 if mode == "bicubic" else 1

    def along(axis: int) -> Windows:
        count, size = after[axis], before[axis]
        scale = size / count
        if factor is not None:
            scale = 1 / (factor if isinstance(factor, int | float) else factor[axis])
        if mode in ("nearest", "nearest-exact"):
            return windows.nearest(count, size, scale, mode == "nearest-exact")
        if align_corners:
            scale = (size - 1) / (count - 1) if count > 1 else 0.0
        if antialias:
            return windows.antialiased(count, size, scale, reach)
        return windows.weighted(count, size, scale, reach, bool(align_corners))

    return _through_windows(fields, along)


def _padding(call: Call, fields: Fields, before: Shape, after: Shape) -> Fields:
    """Pad or crop; `pad` has the two sides of each axis, the last axis first."""
    if fields.axes is None:
        return WHOLE
    sides, mode = list(_argument(call, 1, "pad")), _argument(call, 2, "mode", "constant")
    first = {-1 - number: int(side) for number, side in enumerate(sides[::2])}
    rows, columns = (windows.padded(after[a], before[a], first.get(a, 0), mode) for a in fields.axes)
    return Fields(fields.rows.through(*rows), fields.columns.through(*columns), fields.axes)


def _pixel_shuffle(call: Call, fields: Fields, before: Shape, after: Shape) -> Fields:
    """Turn channels into pixels, or pixels into channels."""
    return _through_windows(fields, lambda a: windows.adaptive(after[a], before[a]))


def _linear(call: Call, fields: Fields, before: Shape, after: Shape) -> Fields:
    """Take each position for itself where the last axis of maps are the channels; else all units take all inputs."""
    return WHOLE if fields.axes is None or -1 in fields.axes else fields


def _reduction(call: Call, fields: Fields, before: Shape, after: Shape) -> Fields:
    """Take each position for itself over channels; the whole height over rows, the whole width over columns."""
    if fields.positions == 1 or any(isinstance(value, Ref | Step | Tensor) for value in call.arguments[1:]):
        return fields  # the latter is the larger of two tensors
    if fields.axes is None:
        return WHOLE
    dims = _argument(call, 1, "dim")
    every = range(-len(before) - 1, 0)
    reduced = set(every) if dims in (None, (), []) else {every[d] for d in leaves(dims)}
    kept = len(after) == len(before)
    axes = [axis if kept else axis + sum(r > axis for r in reduced) for axis in fields.axes]
    if reduced.isdisjoint(fields.axes):
        return replace(fields, axes=(axes[0], axes[1]))
    if not kept:
        return WHOLE
    rows, columns = (
        everything() if axis in reduced and len(field) > 1 else field
        for axis, field in zip(fields.axes, (fields.rows, fields.columns), strict=True)
    )
    return Fields(rows, columns, fields.axes)


def _reshape(call: Call, fields: Fields, before: Shape, after: Shape) -> Fields:
    """Keep rows and columns that are not divided or merged: an axis as long, with as many numbers behind it."""
    if fields.axes is None:
        return fields
    found = [_same_axis(before, after, axis) for axis in fields.axes]
    row, column = found
    return replace(fields, axes=None if row is None or column is None or row == column else (row, column))


def _same_axis(before: Shape, after: Shape, axis: int) -> int | None:
    """Return the axis of the output that is this one of the input, None if it was divided or merged."""
    candidates = [
        a for a in range(-len(after), 0)
        if after[a] == before[axis] and torch.Size(after[a:]).numel() == torch.Size(before[axis:]).numel()
    ]  # fmt: skip
    return min(candidates, key=lambda a: abs(a - axis), default=None)


def _permutation(call: Call, fields: Fields, before: Shape, after: Shape) -> Fields:
    """Find the new order of the axes with a tensor whose axes all have different lengths."""
    if fields.axes is None:
        return fields
    lengths = range(2, len(before) + 3)
    moved = call.function(torch.empty(*lengths, device="meta"), *call.arguments[1:], **call.options)
    row, column = (list(moved.shape).index(lengths[axis]) - len(lengths) for axis in fields.axes)
    return replace(fields, axes=(row, column))


def _slice(call: Call, fields: Fields, before: Shape, after: Shape) -> Fields:
    """Index with numbers, slices, None and an ellipsis; any other index must leave the grid as it is."""
    index = call.arguments[1] if isinstance(call.arguments[1], tuple) else (call.arguments[1],)
    if fields.axes is None or not all(part is None or part is ... or isinstance(part, int | slice) for part in index):
        return fields if fields.axes is not None else WHOLE
    ellipsis = index.index(...) if ... in index else len(index)
    named = sum(part is not None and part is not ... for part in index)
    entries = (*index[:ellipsis], *[slice(None)] * (len(before) + 1 - named), *index[ellipsis + 1 :])
    lengths, sliced = {axis: before[axis] for axis in fields.axes}, {}
    old = new = -1
    for entry in reversed(entries):
        if old in lengths and isinstance(entry, slice):
            start, stop, step = entry.indices(lengths[old])
            positions = np.arange(start, stop, step)
            sliced[old] = new, Windows(positions, positions, step)
        old -= entry is not None
        new -= not isinstance(entry, int)
    if set(sliced) != set(fields.axes):
        return WHOLE
    (row, rows), (column, columns) = (sliced[axis] for axis in fields.axes)
    return Fields(fields.rows.through(*rows), fields.columns.through(*columns), (row, column))


RULES: dict[str, Rule] = {
    **dict.fromkeys(("conv2d", "conv3d"), _convolution),
    "conv_transpose2d": _transposed_convolution,
    **dict.fromkeys((f"{kind}_pool{n}d" for kind in ("max", "avg", "lp") for n in (1, 2, 3)), _pool),
    **dict.fromkeys(ADAPTIVE, _adaptive_pool),
    "interpolate": _interpolation,
    "pad": _padding,
    **dict.fromkeys(("pixel_shuffle", "pixel_unshuffle"), _pixel_shuffle),
    "linear": _linear,
    **dict.fromkeys(("mean", "sum", "amax", "amin", "max", "min", "std", "var", "logsumexp"), _reduction),
    **dict.fromkeys(
        ("view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "view_as", "reshape_as"), _reshape
    ),
    **dict.fromkeys(("permute", "transpose", "swapaxes", "movedim", "mT"), _permutation),
    "getitem": _slice,
}
