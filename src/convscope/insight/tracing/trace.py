"""Trace a network: run it once and return its graph of operations, with their outputs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.func import functional_call

from .graph import Trace
from .graph_builder import Observer
from .hooks import hooked, in_evaluation, without_memory
from .recorder import Recorder
from .unwrapped import uncompiled, unwrapped

Images: TypeAlias = Tensor | Sequence[Tensor]
Size: TypeAlias = Sequence[int] | Sequence[Sequence[int]]


def trace(network: nn.Module, images: Images, keep: Collection[str] | None = None) -> Trace:
    """Run `network` on `images` (N x C x H x W) in evaluation mode without gradients and return the trace.

    A network that takes several tensors is given a tuple of them: the nodes "input", "input_2" ... The images are moved
    to the device and the precision of the network. `keep` names the nodes whose outputs are kept (all if None). A
    module without children is one node; what a larger module computes itself is one node per function. A layer that
    returns several tensors has one node for each: "name", "name[1]" ... Weights are not copied: `arithmetic` computes
    with the weights that the network has when it is called. Times are those of the calls (on a GPU, of their launch).

    The network is left as it was, also after an exception. ValueError for a name in `keep` that no node has, and for a
    network that hides what it computes (scripted, exported, quantised).

    >>> network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Flatten())
    >>> [(node.name, node.shape) for node in trace(network, torch.zeros(1, 1, 6, 6)).nodes]
    [('input', (1, 6, 6)), ('0', (2, 4, 4)), ('1', (2, 4, 4)), ('2', (32,))]
    """
    return record(network, images, keep)


def record(
    network: nn.Module,
    images: Images,
    keep: Collection[str] | None = None,
    differentiable: bool = False,
    observe: Observer | None = None,
) -> Trace:
    """Do the same as `trace`, with gradients and an observer.

    With `differentiable`, kept outputs can be differentiated by the output of the node "input". `observe` is called
    with the name and the output of every node as it runs: the very tensor that the network goes on with, which a later
    operation may change in place.
    """
    network = unwrapped(network)
    with torch.inference_mode(False), torch.set_grad_enabled(differentiable):
        given = [fitting(tensor, network) for tensor in ((images,) if isinstance(images, Tensor) else images)]
        if differentiable:
            given = [tensor.requires_grad_(tensor.is_floating_point()) for tensor in given]
        copies = [tensor.clone() for tensor in given] if differentiable else given
        recorded = _run(network, {}, copies, keep, observe)
        if differentiable and "input" in recorded.outputs:
            recorded.outputs["input"] = given[0]
        return recorded


def meta_weights(network: nn.Module) -> dict[str, Tensor]:
    """Return parameters and buffers by name, as shapes on the meta device; a shared one stands under one name."""
    weights = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    return {name: tensor.to("meta") for name, tensor in weights.items()}


def trace_shapes(
    network: nn.Module,
    input_size: Size,
    observe: Observer | None = None,
    on_meta: Mapping[str, Tensor] | None = None,
) -> Trace:
    """Trace one image of `input_size` (channels, height, width) on the meta device: shapes and calls, no arithmetic.

    It takes milliseconds and no memory, whatever the size of the network; no outputs are kept. A network that takes
    several tensors is given a list of sizes. One that decides by numbers, or holds tensors that are neither parameters
    nor buffers, cannot run without numbers: it runs on a random image instead, on its own device. `on_meta` are the
    `meta_weights`, for a caller that has to recognise them among the arguments of calls.
    """
    network = unwrapped(network)
    sizes = [tuple(size) for size in _sizes(input_size)]
    weights = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    on_meta = meta_weights(network) if on_meta is None else on_meta
    precision = next((w.dtype for w in network.parameters() if w.is_floating_point()), torch.float32)
    with torch.inference_mode(False), torch.no_grad():
        try:
            images = [torch.zeros(1, *size, device="meta", dtype=precision) for size in sizes]
            return _run(network, on_meta, images, (), observe)
        except Exception:  # PyTorch has many words for what cannot run without numbers; a fault comes again below
            if any(weight.is_meta for weight in weights.values()):
                raise
        random = torch.Generator().manual_seed(0)
        real = [fitting(torch.rand(1, *size, generator=random), network) for size in sizes]
        return _run(network, {}, real, (), observe)


def fitting(images: Tensor, network: nn.Module) -> Tensor:
    """Return a copy of the images on the device and in the precision of the network; integers stay integers.

    ValueError for pixels from 0 to 255: nearly every network expects them normalised, and would answer something else.
    """
    first = next((p for p in network.parameters() if p.is_floating_point()), images)
    if images.dtype == torch.uint8 and first.is_floating_point():
        raise ValueError(
            "the images are uint8 pixels: give them normalised as in training (`classifier.preprocess.normalize`), "
            "or as floats (`images.float()`) if the network itself normalises them"
        )
    dtype = first.dtype if images.is_floating_point() or first.is_floating_point() else images.dtype
    return images.detach().to(first.device, dtype, copy=True)


def _run(
    network: nn.Module,
    weights: Mapping[str, Tensor],
    images: Sequence[Tensor],
    keep: Collection[str] | None,
    observe: Observer | None,
) -> Trace:
    """Record one forward pass with `weights` in the place of the network's own (all of them, or none)."""
    recorder = Recorder(network, images, keep, observe)
    with ExitStack() as stack:
        stack.enter_context(uncompiled(network))
        if weights:
            stack.enter_context(without_memory(network))
        stack.enter_context(in_evaluation(network))
        stack.enter_context(hooked(recorder.paths, recorder.enter, recorder.leave))
        stack.enter_context(recorder)
        answer: Any = functional_call(network, dict(weights), tuple(images)) if weights else network(*images)
    return recorder.finish(answer)


def _sizes(given: Size) -> list[Any]:
    """Return the sizes of all images: `given` is one, or a list of them."""
    return [given] if all(isinstance(side, int) for side in given) else list(given)
