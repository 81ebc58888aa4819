"""Change a network for one forward pass and restore it: evaluation mode, buffers, random numbers, forward hooks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


@contextmanager
def in_evaluation(network: nn.Module) -> Iterator[None]:
    """Put `network` into evaluation mode; at the end its modes, its buffers and the random numbers are as before.

    Some networks count their passes in a buffer, and some draw random numbers in evaluation mode too.
    """
    training = [module for module in network.modules() if module.training]
    buffers = _copies_of_buffers(network)
    on_gpu = {p.device.index for p in network.parameters() if p.device.type == "cuda"}
    with torch.random.fork_rng(sorted(on_gpu)):
        if training:
            network.eval()
        try:
            yield
        finally:
            for module in training:
                module.training = True
            _restore(buffers)


def _copies_of_buffers(network: nn.Module) -> list[tuple[nn.Module, str, Tensor, int, Tensor]]:
    """Return every buffer with its module and name, its version (how often it was changed in place) and a copy."""
    return [
        (module, name, buffer, buffer._version, buffer.detach().clone())
        for module in network.modules()
        for name, buffer in module._buffers.items()  # the public list leaves out one that is shared
        if buffer is not None and not buffer.is_inference()  # of which PyTorch counts no changes
    ]


def _restore(buffers: list[tuple[nn.Module, str, Tensor, int, Tensor]]) -> None:
    for module, name, buffer, version, copy in buffers:
        if buffer._version != version:
            with torch.inference_mode(False), torch.no_grad():
                buffer.copy_(copy)
        if module._buffers.get(name) is not buffer:
            module._buffers[name] = buffer


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


@contextmanager
def without_memory(network: nn.Module) -> Iterator[None]:
    """Give modules back their weights, and undo what they note in attributes of their own, such as a cache.

    After a pass on shapes alone, a cache would hold tensors without numbers, and so would a module that stands under
    two names (`functional_call` restores it twice): the network would not run any more.
    """
    noted = [(module.__dict__, {**module.__dict__}) for module in network.modules()]
    inside = [
        (value, value.copy())
        for _, attributes in noted
        for name, value in attributes.items()
        if type(value) in (dict, list) or name in ("_parameters", "_buffers")
    ]
    try:
        yield
    finally:
        for now, before in noted:
            for name in now.keys() - before.keys():
                del now[name]
            now.update(before)
        for holder, content in inside:
            holder.clear()
            if isinstance(holder, dict):
                holder.update(content)
            else:
                holder.extend(content)
