"""Vary any network for an experiment: activation, pooling, initialisation, first kernels.

The networks are built of modules, so that one module can be exchanged for another without changing the network's code.
`create_model(name, activation="gelu", pooling="avg", init="xavier", first_kernels="gabor")` applies these functions.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import torch
from torch import Tensor, nn

from .first_kernels import BANKS, set_first_kernels
from .layers import ACTIVATIONS, SumPool2d, activation

# These can be exchanged. LeNet-5's scaled tanh cannot: its targets and its initialisation depend on it.
PLAIN_ACTIVATIONS = (
    nn.Sigmoid, nn.Tanh, nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SiLU, nn.GELU, nn.Hardswish,
)  # fmt: skip


def set_activation(network: nn.Module, name: str) -> int:
    """Exchange every plain activation for a new one of another kind; return their number. ValueError if none."""
    return _exchange(network, PLAIN_ACTIVATIONS, lambda old: activation(name), "activation")


def _max(kernel: int, stride: int, padding: int, ceil: bool) -> nn.Module:
    return nn.MaxPool2d(kernel, stride, padding, ceil_mode=ceil)


def _average(kernel: int, stride: int, padding: int, ceil: bool) -> nn.Module:
    return nn.AvgPool2d(kernel, stride, padding, ceil_mode=ceil, count_include_pad=False)


POOLINGS: dict[str, Callable[[int, int, int, bool], nn.Module]] = {"max": _max, "avg": _average, "sum": SumPool2d}


def set_pooling(network: nn.Module, name: str) -> int:
    """Exchange every pooling layer for one of another kind (max, avg, sum) with the same windows; return their number.

    Global pooling stays. ValueError for an unknown kind, or if there is no such layer.
    """
    if name not in POOLINGS:
        raise ValueError(f"unknown pooling '{name}'; choose one of {', '.join(POOLINGS)}")

    def fresh(old: nn.Module) -> nn.Module:
        assert isinstance(old, nn.MaxPool2d | nn.AvgPool2d)
        geometry = (old.kernel_size, old.stride, old.padding)
        return POOLINGS[name](*geometry, old.ceil_mode)  # type: ignore[arg-type]

    return _exchange(network, (nn.MaxPool2d, nn.AvgPool2d, SumPool2d), fresh, "pooling layer")


def _exchange(
    network: nn.Module, kinds: tuple[type[nn.Module], ...], fresh: Callable[[nn.Module], nn.Module], what: str
) -> int:
    modules = [(path, module) for path, module in network.named_modules() if type(module) in kinds]
    if not modules:
        raise ValueError(f"{type(network).__name__} has no {what} that could be exchanged")
    for path, old in modules:
        parent, _, name = path.rpartition(".")
        setattr(network.get_submodule(parent), name, fresh(old).train(old.training))
    return len(modules)


def _lecun(weight: Tensor) -> Tensor:
    bound = 2.4 / weight[0].numel()
    return nn.init.uniform_(weight, -bound, bound)


INITIALISATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    # He et al. 2015 (arXiv 1502.01852), for ReLU: deviation sqrt(2 / fan-in).
    "kaiming": lambda weight: nn.init.kaiming_normal_(weight, nonlinearity="relu"),
    # Glorot and Bengio 2010, for sigmoid and tanh: uniform, variance 2 / (fan-in + fan-out).
    "xavier": nn.init.xavier_uniform_,
    # LeCun et al. 1998: uniform in +-2.4 / fan-in.
    "lecun": _lecun,
    # Krizhevsky et al. 2012: normal with deviation 0.01, whatever the fan.
    "normal": lambda weight: nn.init.normal_(weight, std=0.01),
}


def initialise(network: nn.Module, name: str) -> None:
    """Draw new weights for every convolution and linear layer, biases 0; ValueError for an unknown name."""
    if name not in INITIALISATIONS:
        raise ValueError(f"unknown init '{name}'; choose one of {', '.join(INITIALISATIONS)}")
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            with torch.no_grad():
                INITIALISATIONS[name](module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def first_kernels(network: nn.Module, name: str) -> None:
    """Set the first kernels: `gabor` or `haar` to start from, `gabor-fixed` or `haar-fixed` to keep."""
    kind, fixed = re.fullmatch(r"(.*?)(-fixed)?", name).groups()  # type: ignore[union-attr]
    if kind not in BANKS:
        choices = [kind + ending for kind in BANKS for ending in ("", "-fixed")]
        raise ValueError(f"unknown first_kernels '{name}'; choose one of {', '.join(choices)}")
    set_first_kernels(network, kind, frozen=fixed is not None)


# In the order in which they are applied: the first kernels replace drawn ones.
VARIATIONS: dict[str, Callable[[nn.Module, str], object]] = {
    "activation": set_activation,
    "pooling": set_pooling,
    "init": initialise,
    "first_kernels": first_kernels,
}

__all__ = ["ACTIVATIONS", "VARIATIONS", "first_kernels", "initialise", "set_activation", "set_pooling"]
