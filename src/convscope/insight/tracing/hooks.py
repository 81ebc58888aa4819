"""What a look inside leaves as it was: training modes, hooks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn


@contextmanager
def in_evaluation(network: nn.Module) -> Iterator[None]:
    """`network` in evaluation mode; afterwards every module has the mode that it had."""
    training = [module for module in network.modules() if module.training]
    if training:
        network.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


@contextmanager
def hooked(modules: Iterable[nn.Module], enter: Callable[..., Any], leave: Callable[..., Any]) -> Iterator[None]:
    """`enter(module, inputs)` before and `leave(module, inputs, output)` after each call of each of the modules.

    `leave` is called with output None where the module raised, so that the two stay in step.
    """
    handles = []
    try:
        for module in modules:
            handles.append(module.register_forward_pre_hook(enter))
            handles.append(module.register_forward_hook(leave, always_call=True))
        yield
    finally:
        for handle in handles:
            handle.remove()
