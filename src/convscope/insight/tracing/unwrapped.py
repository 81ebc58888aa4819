"""The plain module behind what a person holds: compiled and parallel ones unwrapped, others refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

WRAPPERS = (nn.DataParallel, nn.parallel.DistributedDataParallel)
SOURCE = "give the nn.Module that it was made from"
# The packages of quantised layers; their weights are no tensors, and their operations have no gradients. There is
# FloatFunctional, too, which adds plain tensors in networks that are yet to be quantised.
QUANTISED = ("torch.ao.nn.quantized", "torch.ao.nn.intrinsic.quantized", "torchao.quantization")


def unwrapped(network: Any) -> nn.Module:
    """Return the module inside a compiled or parallel one, any other module itself.

    ValueError, in one line, for what cannot be looked into: scripted, exported and quantised networks, layers that
    have no weights yet, and what is no module.
    """
    while _is_compiled(network) or isinstance(network, WRAPPERS):
        network = network._orig_mod if _is_compiled(network) else network.module
    if not isinstance(network, nn.Module):
        what = network.__name__ if isinstance(network, type) else type(network).__name__
        if isinstance(network, type) and issubclass(network, nn.Module):
            raise ValueError(f"{what} is a class: give a network, {what}(...)")
        raise ValueError(f"a network must be an nn.Module, not {_with_article(what)}" + _from_export(network))
    for path, module in network.named_modules():
        where = f"layer '{path}'" if path else "this network"
        if isinstance(module, torch.jit.ScriptModule):
            raise ValueError(f"{where} is scripted (torch.jit), so its operations cannot be traced: {SOURCE}")
        if type(module).__module__.startswith(QUANTISED) and type(module).__name__ != "FloatFunctional":
            raise ValueError(f"{where} is quantised ({type(module).__name__}) and has no gradients: {SOURCE}")
        if any(is_lazy(weight) for weight in (*module._parameters.values(), *module._buffers.values())):
            raise ValueError(
                f"{where} ({type(module).__name__}) has no weights yet: run the network once on an image, then look"
            )
    if isinstance(network, torch.fx.GraphModule) and "eval" in vars(network):  # its own, which refuses
        raise ValueError(f"this network is exported (torch.export) and cannot change its mode: {SOURCE}")
    return network


@contextmanager
def uncompiled(network: nn.Module) -> Iterator[None]:
    """Run parts of a network that `torch.compile` compiled as they were written."""
    if any(_is_compiled(module) or module._compiled_call_impl is not None for module in network.modules()):
        with torch.compiler.set_stance("force_eager"):
            yield
    else:
        yield


def _is_compiled(network: Any) -> bool:
    return type(network).__name__ == "OptimizedModule" and hasattr(network, "_orig_mod")


def _from_export(network: Any) -> str:
    return f": {SOURCE}" if type(network).__name__ == "ExportedProgram" else ""


def _with_article(word: str) -> str:
    return f"an {word}" if word[:1] in "AEIOUaeiou" else f"a {word}"
