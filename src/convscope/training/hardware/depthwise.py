"""Depthwise convolutions whose backward pass is quick on a CPU: today's small networks are made of them.

oneDNN has no quick kernel for two gradients of a depthwise convolution: that of the weights of a kernel of more than
3 x 3 (in bf16 and channels-last 20 times the time of the forward pass and more), and that of the input with a stride in
bf16. The first is put together here from 3 x 3 pieces of the kernel, for which it has one; the second is computed in
float32. Sums and results are the same but for rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.overrides import TorchFunctionMode

from .folded_norms import with_folded_norms

# The side of a kernel for which oneDNN has a quick gradient.
QUICK = 3


def with_quick_gradients(network: nn.Module, fold: bool = False) -> Callable[..., Any]:
    """Return what calls the network so that its depthwise convolutions have a quick way back; itself if it has none.

    With `fold`, batch norms that keep their statistics are folded into the convolutions before them, too.
    """
    call = with_folded_norms(network) if fold else network
    if not any(isinstance(m, nn.Conv2d) and m.groups > 1 and m.groups == m.in_channels for m in network.modules()):
        return call

    def forward(images: Tensor) -> Any:
        with _QuickGradients():
            return call(images)

    return forward


class _QuickGradients(TorchFunctionMode):
    """Replaces each call of `conv2d` that is depthwise, on a CPU and followed by a way back."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is not torch.conv2d or kwargs or not torch.is_grad_enabled() or not _is_depthwise(*args):
            return func(*args, **(kwargs or {}))
        images, kernels, bias, stride, padding = args[:5]
        if torch.is_autocast_enabled("cpu"):
            kind = torch.get_autocast_dtype("cpu")
            images, kernels, bias = (None if each is None else each.to(kind) for each in (images, kernels, bias))
        with torch.autocast("cpu", enabled=False):
            return _Depthwise.apply(images, kernels, bias, tuple(stride), tuple(padding))


def _is_depthwise(
    images: Tensor,
    kernels: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> bool:
    """Return whether these arguments of `conv2d` are those of a depthwise convolution that has a quicker way back."""
    if images.device.type != "cpu" or groups == 1 or not groups == images.shape[1] == len(kernels):
        return False
    if any(isinstance(each, int | str) for each in (stride, padding, dilation)) or tuple(dilation) != (1, 1):
        return False
    if images.dtype not in (torch.float32, torch.bfloat16) or min(kernels.shape[2:]) < QUICK:
        return False
    low = images.dtype == torch.bfloat16 or torch.is_autocast_enabled("cpu")
    large = max(kernels.shape[2:]) > QUICK
    # In float32 and with a stride oneDNN's own way is no slower.
    return (low and (large or max(stride) > 1)) or (large and max(stride) == 1 and max(kernels.shape[2:]) <= 5)


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        images: Tensor,
        kernels: Tensor,
        bias: Tensor | None,
        stride: tuple[int, int],
        padding: tuple[int, int],
    ) -> Tensor:
        ctx.save_for_backward(images, kernels)
        ctx.stride, ctx.padding = stride, padding
        return torch.conv2d(images, kernels, bias, stride, padding, 1, len(kernels))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        images, kernels = ctx.saved_tensors
        of_images, of_kernels, of_bias = ctx.needs_input_grad[:3]
        return (
            _gradient_of_images(gradient, images, kernels, ctx.stride, ctx.padding) if of_images else None,
            _gradient_of_kernels(gradient, images, kernels, ctx.stride, ctx.padding) if of_kernels else None,
            gradient.sum((0, 2, 3)) if of_bias else None,
            None,
            None,
        )


def _gradient_of_images(
    gradient: Tensor, images: Tensor, kernels: Tensor, stride: tuple[int, int], padding: tuple[int, int]
) -> Tensor:
    if max(stride) == 1 or images.dtype == torch.float32:
        return _gradients(gradient, images, kernels, stride, padding, of_kernels=False)
    of_images = _gradients(gradient.float(), images.float(), kernels.float(), stride, padding, of_kernels=False)
    return of_images.to(images.dtype)


def _gradient_of_kernels(
    gradient: Tensor, images: Tensor, kernels: Tensor, stride: tuple[int, int], padding: tuple[int, int]
) -> Tensor:
    height, width = kernels.shape[2:]
    if max(height, width) <= QUICK:
        return _gradients(gradient, images, kernels, stride, padding, of_kernels=True)
    padded = F.pad(images, (padding[1], padding[1], padding[0], padding[0])) if any(padding) else images
    seen = [(count - 1) * step + QUICK for count, step in zip(gradient.shape[2:], stride, strict=True)]
    pieces, found = kernels[:, :, :QUICK, :QUICK].contiguous(), torch.empty_like(kernels)
    for top in _starts(height):
        for left in _starts(width):
            part = padded[:, :, top : top + seen[0], left : left + seen[1]]
            part = part.contiguous(memory_format=torch.channels_last)
            piece = _gradients(gradient, part, pieces, stride, (0, 0), of_kernels=True)
            found[:, :, top : top + QUICK, left : left + QUICK] = piece
    return found


def _starts(side: int) -> list[int]:
    """Return where pieces of 3 begin that cover a side: 5 -> 0, 2; the last may overlap the one before it."""
    return sorted({min(start, side - QUICK) for start in range(0, side, QUICK)})


def _gradients(
    gradient: Tensor,
    images: Tensor,
    kernels: Tensor,
    stride: tuple[int, int],
    padding: tuple[int, int],
    of_kernels: bool,
) -> Tensor:
    """Return torch's own gradient of the kernels or of the images."""
    found = torch.ops.aten.convolution_backward(
        gradient, images, kernels, None, stride, padding, (1, 1), False, (0, 0), len(kernels),
        (not of_kernels, of_kernels, False),
    )  # fmt: skip
    return found[int(of_kernels)]
