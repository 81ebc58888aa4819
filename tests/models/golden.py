"""Golden rows: outputs of a network for weights and an input that any implementation can compute.

`fill(network)` numbers the layers that have parameters in execution order (as found by hooks in one forward pass) and
writes weights that follow from layer number and position alone; `image(...)` makes the input. Layers of another kind
than convolution, linear and batch norm are filled by the caller with `special`.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod, sqrt

import numpy as np
import torch
from torch import Tensor, nn

INPUT_STREAM, OTHER_STREAM = 999983, 999979
PART = 1 << 16


def uniform(count: int, stream: int) -> np.ndarray:
    """Return `count` numbers in [-0.5, 0.5) from a 32-bit hash of their position and the stream."""
    numbers = np.empty(count)
    # In parts that stay in the processor's cache: VGG has a hundred million weights.
    for start in range(0, count, PART):
        h = np.arange(start + 1, min(start + PART, count) + 1, dtype=np.uint32)
        h *= np.uint32(2654435761)
        h += np.uint32((stream * 2246822519 + 374761393) & 0xFFFFFFFF)
        for shift, factor in ((15, 2246822519), (13, 3266489917)):
            h ^= h >> np.uint32(shift)
            h *= np.uint32(factor)
        h ^= h >> np.uint32(16)
        np.multiply(h, 2.0**-32, out=numbers[start : start + PART])
    numbers -= 0.5
    return numbers


def tensor(shape: torch.Size | tuple[int, ...], stream: int) -> Tensor:
    """Return `uniform` numbers in a shape, row by row."""
    return torch.from_numpy(uniform(prod(shape), stream)).reshape(shape)


def image(size: tuple[int, ...], amplitude: float = 1.0, stream: int = INPUT_STREAM) -> Tensor:
    """Return the input, 1 x C x H x W, between -amplitude and amplitude."""
    return 2 * amplitude * tensor((1, *size), stream)


def execution_order(network: nn.Module, size: tuple[int, ...]) -> list[nn.Module]:
    """Return the modules with parameters of their own, in the order in which one forward pass calls them first."""
    order: list[nn.Module] = []
    holders = [m for m in network.modules() if list(m.parameters(recurse=False))]
    handles = [m.register_forward_pre_hook(lambda m, _: order.append(m) if m not in order else None) for m in holders]
    with torch.no_grad():
        network(torch.zeros(1, *size, dtype=torch.float64))
    for handle in handles:
        handle.remove()
    return order


@torch.no_grad()
def fill(
    network: nn.Module,
    size: tuple[int, ...],
    special: Callable[[nn.Module, int], bool] = lambda module, number: False,
    order: list[nn.Module] | None = None,
) -> int:
    """Write the weights; return the number of layers. `special(module, number)` returns True for one that it filled.

    Pass `order` where the numbering is not the execution order (a block's main path counts before its shortcut).
    """
    network.double().eval()
    layers = order or execution_order(network, size)
    for number, module in enumerate(layers):
        if special(module, number):
            continue
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None and module.running_var is not None
            module.weight.copy_(1 + 0.2 * tensor(module.weight.shape, 4 * number))
            module.bias.copy_(0.2 * tensor(module.bias.shape, 4 * number + 1))
            module.running_mean.copy_(0.2 * tensor(module.running_mean.shape, 4 * number + 2))
            module.running_var.copy_(1.25 + 0.5 * tensor(module.running_var.shape, 4 * number + 3))
        elif isinstance(module, nn.Conv2d | nn.Linear):
            fan_in = prod(module.weight.shape[1:])
            module.weight.copy_(sqrt(24 / fan_in) * tensor(module.weight.shape, 4 * number))
            if module.bias is not None:
                module.bias.copy_(0.2 * tensor(module.bias.shape, 4 * number + 1))
        else:
            raise TypeError(f"no rule for {type(module).__name__}")
    return len(layers)


def check_row(
    network: nn.Module,
    size: tuple[int, ...],
    layers: int,
    first: tuple[float, ...],
    total: float,
    norm: float,
    best: int,
    change: float,
    amplitude: float = 1.0,
    order: list[nn.Module] | None = None,
) -> None:
    """Fill a network and compare its number of layers, its output and its `sensitivity` with a golden row."""
    assert fill(network, size, order=order) == layers
    with torch.no_grad():
        check(network(image(size, amplitude)), first, total, norm, best)
    assert abs(sensitivity(network, size, amplitude) / change - 1) <= 0.05


def check(output: Tensor, first: tuple[float, ...], total: float, norm: float, best: int) -> None:
    """Compare an output (1 x classes, float64) with a golden row."""
    row = output.flatten()
    expected = torch.tensor(first, dtype=torch.float64)
    torch.testing.assert_close(row[: len(first)], expected, rtol=1e-8, atol=1e-9)
    torch.testing.assert_close(row.sum(), torch.tensor(total, dtype=torch.float64), rtol=1e-8, atol=1e-9)
    torch.testing.assert_close(row.norm(), torch.tensor(norm, dtype=torch.float64), rtol=1e-8, atol=1e-9)
    assert int(row.argmax()) == best


def sensitivity(network: nn.Module, size: tuple[int, ...], amplitude: float = 1.0) -> float:
    """Return the relative change of the output for another input: a comparison needs one that is not nearly 0."""
    with torch.no_grad():
        y = network(image(size, amplitude))
        z = network(image(size, amplitude, OTHER_STREAM))
    return float((y - z).norm() / y.norm())
