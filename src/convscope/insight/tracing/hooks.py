"""Change a network for one forward pass and restore it: evaluation mode, forward hooks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn


@contextmanager
def in_evaluation(network: nn.Module) -> Iterator[None]:
    """Put `network` into evaluation mode; at the end every module gets its own mode back."""
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
    """Call `enter(module, inputs)` before and `leave(module, inputs, output)` after each call of each of the modules.

    Where a module raises, `leave` is called with output None, so that every `enter` has its `leave`. All hooks are
    removed at the end, also after an exception.
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
