"""What the papers need and `torch.nn` lacks.

A layer whose arithmetic is not that of the torch operations it uses (or that uses others than convolutions and matrix
products) says what it computes with `count(output_shape)`, which gives multiply-accumulates and connections, and how
one of its values came about with `terms(inputs, index)`: `inputs` are those of one image, `index` is the value's place.
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
    """A fresh activation layer by name; ValueError names the choices."""
    if name not in ACTIVATIONS:
        raise ValueError(f"unknown activation '{name}'; choose one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]()


def require_size(images: Tensor, size: Sequence[int], network: str) -> None:
    """Refuse images that a network with fully connected layers cannot take, in one line that says which size fits."""
    if images.ndim != 4 or tuple(images.shape[1:]) != tuple(size):
        raise ValueError(
            f"{network} takes images of N x {' x '.join(map(str, size))}; got {' x '.join(map(str, images.shape))}"
        )


def require_at_least(images: Tensor, side: int, network: str) -> None:
    """Refuse images whose maps would shrink to nothing, in one line that says how large they must be."""
    if images.ndim != 4 or min(images.shape[-2:]) < side:
        raise ValueError(
            f"{network} takes images of at least {side} x {side}; got {' x '.join(map(str, images.shape))}"
        )


def _weighted(inputs: Tensor, places: Sequence[tuple[int, ...]], weights: Sequence[float]) -> list[dict[str, Any]]:
    values = [float(inputs[place]) for place in places]
    rows = zip(places, values, weights, strict=True)
    return [{"index": p, "value": v, "weight": w, "product": v * w} for p, v, w in rows]


class ScaledTanh(nn.Module):
    """f(a) = 1.7159 tanh(2a/3), LeCun 1998, appendix A: f(1) = 1, f(-1) = -1, where its curvature is largest."""

    def forward(self, a: Tensor) -> Tensor:
        """Elementwise, any shape."""
        return 1.7159 * torch.tanh(a * (2 / 3))

    def terms(self, inputs: list[Tensor], index: tuple[int, ...]) -> dict[str, Any]:
        """One value, one function."""
        a = inputs[0][index]
        term = {"index": index, "value": float(a)}
        return {"operation": "function", "terms": [term], "formula": "1.7159 * tanh(2/3 * x)", "value": float(self(a))}


class SumPool2d(nn.AvgPool2d):
    """The sum of each window: average pooling times its area."""

    def __init__(self, kernel_size: int, stride: int | None = None, padding: int = 0, ceil_mode: bool = False):
        super().__init__(kernel_size, stride, padding, ceil_mode, divisor_override=1)


class SubSampling(nn.Module):
    """LeNet-5's trainable pooling: the sum of each 2 x 2 field times one coefficient a map, plus one bias a map.

    N x C x H x W -> N x C x H/2 x W/2.
    """

    def __init__(self, maps: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(maps))
        self.bias = nn.Parameter(torch.empty(maps))

    def forward(self, maps: Tensor) -> Tensor:
        """Sum, scale, shift."""
        sums = F.avg_pool2d(maps, 2, divisor_override=1)
        return sums * self.weight.view(-1, 1, 1) + self.bias.view(-1, 1, 1)

    def terms(self, inputs: list[Tensor], index: tuple[int, ...]) -> dict[str, Any]:
        """Four values, each times the one coefficient of the map."""
        channel, top, left = index[0], 2 * index[1], 2 * index[2]
        return {
            "terms": _weighted(inputs[0], [(channel, y, x) for y in (top, top + 1) for x in (left, left + 1)],
                               [float(self.weight[channel])] * 4),
            "bias": float(self.bias[channel]), "formula": "w * sum(x) + b",
            "grid": {"channels": [channel], "height": 2, "width": 2},
        }  # fmt: skip

    def count(self, output_shape: torch.Size) -> tuple[int, int]:
        """Four inputs and a bias a unit; no convolution."""
        return 0, 5 * prod(output_shape[1:])


class TableConv2d(nn.Module):
    """A convolution in which each output map sees only the input maps that a connection table names.

    The parameters are exactly the kernels of the table, `weight[kernel, y, x]` in the order of the output maps and,
    within one, of its input maps ascending: there is no masked number that an optimizer could touch.
    """

    index: Tensor

    def __init__(self, table: Sequence[Sequence[int]], in_channels: int, kernel_size: int):
        super().__init__()
        kernels = sum(map(len, table))
        self.table = tuple(tuple(sorted(row)) for row in table)
        self.in_channels, self.out_channels, self.kernel_size = in_channels, len(table), kernel_size
        self.weight = nn.Parameter(torch.empty(kernels, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.empty(len(table)))
        # Kernel number of each (output map, input map); missing ones point at a row of zeros behind the last kernel.
        index = torch.full((len(table), in_channels), kernels)
        pairs = [(out, inp) for out, row in enumerate(self.table) for inp in row]
        for kernel, pair in enumerate(pairs):
            index[pair] = kernel
        self.register_buffer("index", index.flatten(), persistent=False)

    def dense_weight(self) -> Tensor:
        """The equivalent dense kernels, out x in x k x k, zero where the table has no connection."""
        k = self.kernel_size
        return F.pad(self.weight, (0, 0, 0, 0, 0, 1))[self.index].view(self.out_channels, self.in_channels, k, k)

    def forward(self, maps: Tensor) -> Tensor:
        """N x in x H x W -> N x out x H-k+1 x W-k+1."""
        return F.conv2d(maps, self.dense_weight(), self.bias)

    def terms(self, inputs: list[Tensor], index: tuple[int, ...]) -> dict[str, Any]:
        """Only the input maps of the table take part."""
        out, top, left = index
        window = range(self.kernel_size)
        first = sum(map(len, self.table[:out]))
        kernels = self.weight[first : first + len(self.table[out])]
        places = [(channel, top + y, left + x) for channel in self.table[out] for y in window for x in window]
        return {
            "terms": _weighted(inputs[0], places, kernels.flatten().tolist()), "bias": float(self.bias[out]),
            "formula": "sum(w * x) + b",
            "grid": {"channels": list(self.table[out]), "height": self.kernel_size, "width": self.kernel_size},
        }  # fmt: skip

    def count(self, output_shape: torch.Size) -> tuple[int, int]:
        """Only the kernels of the table count."""
        positions = prod(output_shape[2:])
        return self.weight.numel() * positions, (self.weight.numel() + self.bias.numel()) * positions


class RBF(nn.Module):
    """Squared Euclidean distance to one fixed target vector a class: y_i = sum_j (x_j - w_ij)^2, smallest is best."""

    targets: Tensor

    def __init__(self, targets: Tensor):
        super().__init__()
        self.register_buffer("targets", targets)

    def forward(self, x: Tensor) -> Tensor:
        """N x features -> N x classes. In full precision: squares of 84 differences do not fit into bfloat16."""
        x = x.to(self.targets.dtype)
        return (x.unsqueeze(1) - self.targets).square().sum(2)

    def terms(self, inputs: list[Tensor], index: tuple[int, ...]) -> dict[str, Any]:
        """`weight` is the target, `product` the squared difference."""
        pairs = zip(inputs[0].tolist(), self.targets[index[0]].tolist(), strict=True)
        terms = [
            {"index": (i,), "value": value, "weight": target, "product": (value - target) ** 2}
            for i, (value, target) in enumerate(pairs)
        ]
        return {"operation": "sum", "terms": terms, "formula": "sum((x - w)^2)"}

    def count(self, output_shape: torch.Size) -> tuple[int, int]:
        """Every unit sees every feature; there is no bias."""
        return 0, self.targets.numel()


class LocalResponseNorm(nn.Module):
    """Krizhevsky 2012, section 3.3: b_i = a_i / (k + alpha * sum of a_j^2 over the `size` maps j around i)^beta.

    It is a *sum*, at the first and last maps over those that exist. `torch.nn.LocalResponseNorm` and Caffe divide alpha
    by `size`: their alpha is `size` times this one. Any shape with the maps in dimension 1.
    """

    kind = "norm"  # what a look inside calls it

    def __init__(self, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0):
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, maps: Tensor) -> Tensor:
        """Same shape. Half precision is widened: a square of 256 would already overflow it."""
        wide = maps.to(torch.promote_types(maps.dtype, torch.float32))
        count, reach = maps.shape[1], self.size // 2
        squares = F.pad(wide.square(), [0, 0] * (maps.ndim - 2) + [reach, reach])
        sums = squares[:, :count]
        for shift in range(1, 2 * reach + 1):
            sums = sums + squares[:, shift : shift + count]
        return (wide / (self.k + self.alpha * sums) ** self.beta).to(maps.dtype)

    def terms(self, inputs: list[Tensor], index: tuple[int, ...]) -> dict[str, Any]:
        """The maps in reach at the same place; `product` is the square."""
        channel, *place = index
        first, last = max(channel - self.size // 2, 0), min(channel + self.size // 2, len(inputs[0]) - 1)
        places = [(i, *place) for i in range(first, last + 1)]
        terms = _weighted(inputs[0], places, [float(inputs[0][at]) for at in places])
        terms[channel - first]["chosen"] = True
        energy = sum(term["product"] for term in terms)
        return {
            "operation": "normalise", "terms": terms, "formula": "x / (k + alpha * sum(x^2)) ^ beta",
            "value": float(inputs[0][index]) / (self.k + self.alpha * energy) ** self.beta,
            "parameters": {"size": self.size, "alpha": self.alpha, "beta": self.beta, "k": self.k, "sum": energy},
        }  # fmt: skip

    def extra_repr(self) -> str:
        """The constants, as the paper names them."""
        return f"size={self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
