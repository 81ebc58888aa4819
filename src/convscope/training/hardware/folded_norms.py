"""Batch norms that keep their statistics, folded into the convolutions before them.

With fixed statistics a batch norm is a factor and a shift per channel, which multiply and add to kernels and biases as
well as to maps of features, at a fraction of the work. Parameters and gradients are the same but for rounding: the
kernels that a convolution gets are computed from its own and the norm's at every call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ...nested import tensors_in

NORMS = (F.batch_norm, torch.batch_norm)
# Largest difference of the outputs, by the largest of them.
SAME = 1e-3
Pairs = dict[int, nn.Module]


def with_folded_norms(network: nn.Module) -> Callable[..., Any]:
    """Return what calls the network with its batch norms folded, while they keep their statistics."""
    found: list[Pairs] = []

    def forward(images: Tensor) -> Any:
        if not found:
            found.append(find_pairs(network, images[:2]))
        with folded(found[0]):
            return network(images)

    return forward


def folded(pairs: Pairs) -> AbstractContextManager[Any]:
    """Return the context in which a network is called with its batch norms folded."""
    return _Folding(pairs) if pairs else nullcontext()


def find_pairs(network: nn.Module, images: Tensor) -> Pairs:
    """Return the batch norms that are all that becomes of a convolution's outputs, by the `id` of its kernels.

    None if the network's outputs for the images are others with the norms folded. Its state stays as it is.
    """
    norms = {id(m.running_mean): m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)}
    if not norms:
        return {}
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng([images.device] if images.device.type == "cuda" else []):
            with _Recording() as record:
                expected = tensors_in(network(images))
            pairs = record.pairs(norms, expected)
            with folded(pairs):
                outputs = tensors_in(network(images))
    finally:
        for module, mode in modes:
            module.training = mode
    close = (bool((a - b).abs().max() <= SAME * b.abs().max()) for a, b in zip(outputs, expected, strict=True))
    return pairs if all(close) else {}


class _Recording(TorchFunctionMode):
    """Counts how often each tensor is used, and keeps the kernels of convolutions and the statistics of norms."""

    def __init__(self) -> None:
        super().__init__()
        self.uses: Counter[int] = Counter()
        self.convolved: list[tuple[int, Tensor]] = []  # kernels, outputs
        self.normed: dict[int, int] = {}  # inputs, running means
        self.kept: list[Any] = []  # no tensor's `id` may be given to another

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        self.kept.append((args, result))
        if list(_tensors(result)):
            self.uses.update(id(tensor) for tensor in _tensors((args, kwargs)))
        if func is torch.conv2d:
            self.convolved.append((id(args[1]), result))
        elif func in NORMS and len(args) >= 3 and args[1] is not None:
            self.normed[id(args[0])] = id(args[1])
        return result

    def pairs(self, norms: dict[int, nn.Module], outputs: list[Tensor]) -> Pairs:
        """Return kernels and norms of the convolutions whose outputs are normed and used for nothing else."""
        used, ends = Counter(kernels for kernels, _ in self.convolved), {id(output) for output in outputs}
        means = Counter(self.normed.values())
        found: Pairs = {}
        for kernels, output in self.convolved:
            mean = self.normed.get(id(output), 0)
            alone = self.uses[id(output)] == used[kernels] == means[mean] == 1 and id(output) not in ends
            if alone and mean in norms:
                found[kernels] = norms[mean]
        return found


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [tensor for each in value for tensor in _tensors(each)] if isinstance(value, list | tuple) else []


class _Folding(TorchFunctionMode):
    """Folds each norm that keeps its statistics into the convolution before it."""

    def __init__(self, pairs: Pairs):
        super().__init__()
        self.pairs = pairs
        self.done: dict[int, Tensor] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.conv2d and not kwargs:
            norm = self.pairs.get(id(args[1]))
            if norm is not None and not norm.training:
                return self._convolve(norm, *args)
        elif func in NORMS and id(args[0]) in self.done:
            return self.done.pop(id(args[0]))
        return func(*args, **(kwargs or {}))

    def _convolve(self, norm: Any, images: Tensor, kernels: Tensor, bias: Tensor | None = None, *more: Any) -> Tensor:
        factor = torch.rsqrt(norm.running_var + norm.eps)
        if norm.weight is not None:
            factor = factor * norm.weight
        shift = (0.0 if bias is None else bias) - norm.running_mean
        shift = shift * factor if norm.bias is None else shift * factor + norm.bias
        result: Tensor = torch.conv2d(images, kernels * factor.view(-1, 1, 1, 1), shift, *more)
        self.done[id(result)] = result
        return result
