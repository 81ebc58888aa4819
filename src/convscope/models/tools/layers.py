"""Layers that papers need and `torch.nn` lacks, activations by name, and checks of the image size.

Two methods let `insight` explain a layer whose arithmetic is not that of the torch functions it calls:
`count(output_shape)` returns its multiply-accumulates and connections, and `terms(inputs, index)` returns how the value
at `index` is computed from the inputs of one image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky_relu": partial(nn.LeakyReLU, 0.01),
    "prelu": nn.PReLU,
    "elu": nn.ELU,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
}


def activation(name: str) -> nn.Module:
    """Return a new activation layer by name; ValueError names the choices."""
    if name not in ACTIVATIONS:
        raise ValueError(f"unknown activation '{name}'; choose one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]()


def require_size(images: Tensor, size: Sequence[int], network: str) -> None:
    """Raise ValueError, with the size that fits, for images that a network with fully connected layers cannot take."""
    if images.ndim != 4 or tuple(images.shape[1:]) != tuple(size):
        raise ValueError(
            f"{network} takes images of N x {' x '.join(map(str, size))}; got {' x '.join(map(str, images.shape))}"
        )


def require_at_least(images: Tensor, side: int, network: str) -> None:
    """Raise ValueError, with the smallest size, for images whose maps would shrink to nothing."""
    if images.ndim != 4 or min(images.shape[-2:]) < side:
        raise ValueError(
            f"{network} takes images of at least {side} x {side}; got {' x '.join(map(str, images.shape))}"
        )


def _weighted(inputs: Tensor, positions: Sequence[tuple[int, ...]], weights: Sequence[float]) -> list[dict[str, Any]]:
    values = [float(inputs[position]) for position in positions]
    rows = zip(positions, values, weights, strict=True)
    return [{"index": p, "value": v, "weight": w, "product": v * w} for p, v, w in rows]


class ScaledTanh(nn.Module):
    """f(a) = 1.7159 tanh(2a/3), LeCun 1998, appendix A: f(1) = 1, f(-1) = -1, where its curvature is largest."""

    def forward(self, a: Tensor) -> Tensor:
        """Return f of each value, any shape."""
        return 1.7159 * torch.tanh(a * (2 / 3))

    def terms(self, inputs: list[Tensor], index: tuple[int, ...]) -> dict[str, Any]:
        """Return the one value that f is applied to."""
        a = inputs[0][index]
        term = {"index": index, "value": float(a)}
        return {"operation": "function", "terms": [term], "formula": "1.7159 * tanh(2/3 * x)", "value": float(self(a))}


class SumPool2d(nn.AvgPool2d):
    """The sum of each window: average pooling times its area."""

    def __init__(self, kernel_size: int, stride: int | None = None, padding: int = 0, ceil_mode: bool = False):
        super().__init__(kernel_size, stride, padding, ceil_mode, divisor_override=1)


class SubSampling(nn.Module):
    """LeNet-5's trainable pooling: the sum of each 2 x 2 window times one coefficient per map, plus one bias per map.

    N x C x H x W -> N x C x H/2 x W/2.
    """

    def __init__(self, maps: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(maps))
        self.bias = nn.Parameter(torch.empty(maps))

    def forward(self, maps: Tensor) -> Tensor:
        """Return the sums, scaled and shifted."""
        sums = F.avg_pool2d(maps, 2, divisor_override=1)
        return sums * self.weight.view(-1, 1, 1) + self.bias.view(-1, 1, 1)

    def terms(self, inputs: list[Tensor], index: tuple[int, ...]) -> dict[str, Any]:
        """Return the four values, each times the coefficient of the map."""
        channel, top, left = index[0], 2 * index[1], 2 * index[2]
        return {
            "terms": _weighted(inputs[0], [(channel, y, x) for y in (top, top + 1) for x in (left, left + 1)],
                               [float(self.weight[channel])] * 4),
            "bias": float(self.bias[channel]), "formula": "w * sum(x) + b",
            "grid": {"channels": [channel], "height": 2, "width": 2},
        }  # fmt: skip

    def count(self, output_shape: torch.Size) -> tuple[int, int]:
        """Return 0 multiply-accumulates, as in the paper, and 5 connections per unit: four inputs and a bias."""
        return 0, 5 * prod(output_shape[1:])


class TableConv2d(nn.Module):
    """A convolution in which each output map takes only the input maps that a connection table names.

    The parameters are exactly the kernels of the table, `weight[kernel, y, x]`, in the order of the output maps and,
    within one, of its input maps: there are no masked weights that an optimizer could change.
    """

    index: Tensor

    def __init__(self, table: Sequence[Sequence[int]], in_channels: int, kernel_size: int):
        super().__init__()
        kernels = sum(map(len, table))
        self.table = tuple(tuple(sorted(row)) for row in table)
        self.in_channels, self.out_channels, self.kernel_size = in_channels, len(table), kernel_size
        self.weight = nn.Parameter(torch.empty(kernels, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.empty(len(table)))
        # The kernel of each (output map, input map); missing ones are the kernel of zeros behind the last one.
        index = torch.full((len(table), in_channels), kernels)
        pairs = [(out, inp) for out, row in enumerate(self.table) for inp in row]
        for kernel, pair in enumerate(pairs):
            index[pair] = kernel
        self.register_buffer("index", index.flatten(), persistent=False)

    def dense_weight(self) -> Tensor:
        """Return the equivalent dense kernels, out x in x k x k, zero where the table has no connection."""
        k = self.kernel_size
        return F.pad(self.weight, (0, 0, 0, 0, 0, 1))[self.index].view(self.out_channels, self.in_channels, k, k)

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps: N x in x H x W -> N x out x H-k+1 x W-k+1."""
        return F.conv2d(maps, self.dense_weight(), self.bias)

    def terms(self, inputs: list[Tensor], index: tuple[int, ...]) -> dict[str, Any]:
        """Return the values of the input maps that the table names, with their weights."""
        out, top, left = index
        window = range(self.kernel_size)
        first = sum(map(len, self.table[:out]))
        kernels = self.weight[first : first + len(self.table[out])]
        positions = [(channel, top + y, left + x) for channel in self.table[out] for y in window for x in window]
        return {
            "terms": _weighted(inputs[0], positions, kernels.flatten().tolist()), "bias": float(self.bias[out]),
            "formula": "sum(w * x) + b",
            "grid": {"channels": list(self.table[out]), "height": self.kernel_size, "width": self.kernel_size},
        }  # fmt: skip

    def count(self, output_shape: torch.Size) -> tuple[int, int]:
        """Return the counts of the kernels of the table."""
        pixels = prod(output_shape[2:])
        return self.weight.numel() * pixels, (self.weight.numel() + self.bias.numel()) * pixels


class RBF(nn.Module):
    """Squared Euclidean distance to one fixed target vector per class: y_i = sum_j (x_j - w_ij)^2, smallest is best."""

    targets: Tensor

    def __init__(self, targets: Tensor):
        super().__init__()
        self.register_buffer("targets", targets)

    def forward(self, x: Tensor) -> Tensor:
        """Return distances, N x features -> N x classes, in full precision: bfloat16 is too coarse for 84 squares."""
        x = x.to(self.targets.dtype)
        return (x.unsqueeze(1) - self.targets).square().sum(2)

    def terms(self, inputs: list[Tensor], index: tuple[int, ...]) -> dict[str, Any]:
        """Return every feature with the target as `weight` and the squared difference as `product`."""
        pairs = zip(inputs[0].tolist(), self.targets[index[0]].tolist(), strict=True)
        terms = [
            {"index": (i,), "value": value, "weight": target, "product": (value - target) ** 2}
            for i, (value, target) in enumerate(pairs)
        ]
        return {"operation": "sum", "terms": terms, "formula": "sum((x - w)^2)"}

    def count(self, output_shape: torch.Size) -> tuple[int, int]:
        """Return 0 multiply-accumulates and a connection from every feature to every unit; there is no bias."""
        return 0, self.targets.numel()


class LocalResponseNorm(nn.Module):
    """Krizhevsky 2012, section 3.3: b_i = a_i / (k + alpha * sum of a_j^2 over the `size` maps j around i)^beta.

    The sum is over the maps that exist, fewer at the first and last map. `torch.nn.LocalResponseNorm` and Caffe divide
    alpha by `size`: their alpha is `size` times this one. Any shape with the maps in dimension 1.
    """

    kind = "norm"  # for diagrams and tables of `insight`

    def __init__(self, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0):
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, maps: Tensor) -> Tensor:
        """Return values of the same shape; half precision is widened, because the square of 256 overflows it."""
        wide = maps.to(torch.promote_types(maps.dtype, torch.float32))
        count, reach = maps.shape[1], self.size // 2
        squares = F.pad(wide.square(), [0, 0] * (maps.ndim - 2) + [reach, reach])
        sums = squares[:, :count]
        for shift in range(1, 2 * reach + 1):
            sums = sums + squares[:, shift : shift + count]
        return (wide / (self.k + self.alpha * sums) ** self.beta).to(maps.dtype)

    def terms(self, inputs: list[Tensor], index: tuple[int, ...]) -> dict[str, Any]:
        """Return the neighbouring maps at the same position; `product` is the square."""
        channel, *pixel = index
        first, last = max(channel - self.size // 2, 0), min(channel + self.size // 2, len(inputs[0]) - 1)
        positions = [(i, *pixel) for i in range(first, last + 1)]
        terms = _weighted(inputs[0], positions, [float(inputs[0][position]) for position in positions])
        terms[channel - first]["chosen"] = True
        energy = sum(term["product"] for term in terms)
        return {
            "operation": "normalise", "terms": terms, "formula": "x / (k + alpha * sum(x^2)) ^ beta",
            "value": float(inputs[0][index]) / (self.k + self.alpha * energy) ** self.beta,
            "parameters": {"size": self.size, "alpha": self.alpha, "beta": self.beta, "k": self.k, "sum": energy},
        }  # fmt: skip

    def extra_repr(self) -> str:
        """Return the constants, with the paper's names, for `print(network)`."""
        return f"size={self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
