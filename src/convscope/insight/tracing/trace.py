"""Trace a network: run it once and return its graph of operations, with their outputs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack

import torch
from torch import Tensor, nn
from torch.func import functional_call

from .graph import Trace
from .graph_builder import Observer
from .hooks import hooked, in_evaluation
from .recorder import Recorder


def trace(network: nn.Module, images: Tensor, keep: Collection[str] | None = None) -> Trace:
    """Run `network` on `images` (N x C x H x W) in evaluation mode without gradients and return the trace.

    The images are moved to the device and the precision of the network. `keep` names the nodes whose outputs are kept
    (all if None). A module without children is one node; what a larger module computes itself is one node per function.
    A layer that returns several tensors has one node for each: "name", "name[1]" ... Weights are not copied:
    `arithmetic` computes with the weights that the network has when it is called. Times are those of the calls (on a
    GPU, of their launch).

    The network is left as it was, also after an exception. ValueError for a name in `keep` that no node has.
    """
    return record(network, images, keep)


def record(
    network: nn.Module,
    images: Tensor,
    keep: Collection[str] | None = None,
    differentiable: bool = False,
    observe: Observer | None = None,
) -> Trace:
    """Do the same as `trace`, with gradients and an observer.

    With `differentiable`, kept outputs can be differentiated by the output of the node "input". `observe` is called
    with the name and the output of every node as it runs: the very tensor that the network goes on with, which a later
    operation may change in place.
    """
    with torch.inference_mode(False), torch.set_grad_enabled(differentiable):
        images = _fitting(images, network)
        recorded = _run(network, {}, images.clone() if differentiable else images, keep, observe)
        if differentiable and "input" in recorded.outputs:
            recorded.outputs["input"] = images
        return recorded


def trace_shapes(network: nn.Module, input_size: Sequence[int], observe: Observer | None = None) -> Trace:
    """Trace one image of `input_size` (channels, height, width) on the meta device: shapes and calls, no arithmetic.

    It takes milliseconds and no memory, whatever the size of the network; no outputs are kept.
    """
    weights = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    on_meta = {name: tensor.to("meta") for name, tensor in weights.items()}
    precision = next((w.dtype for w in network.parameters() if w.is_floating_point()), torch.float32)
    with torch.inference_mode(False), torch.no_grad():
        return _run(network, on_meta, torch.zeros(1, *input_size, device="meta", dtype=precision), (), observe)


def _run(
    network: nn.Module,
    weights: Mapping[str, Tensor],
    images: Tensor,
    keep: Collection[str] | None,
    observe: Observer | None,
) -> Trace:
    """Record one forward pass with `weights` in the place of the network's own (all of them, or none)."""
    recorder = Recorder(network, images, keep, observe)
    with ExitStack() as stack:
        stack.enter_context(in_evaluation(network))
        stack.enter_context(hooked(recorder.paths, recorder.enter, recorder.leave))
        stack.enter_context(recorder)
        answer = functional_call(network, dict(weights), (images,)) if weights else network(images)
    return recorder.finish(answer)


def _fitting(images: Tensor, network: nn.Module) -> Tensor:
    """Return a copy of the images on the device and in the precision of the network."""
    first = next((p for p in network.parameters() if p.is_floating_point()), images)
    images = images.detach().to(first.device, first.dtype, copy=True)
    return images.requires_grad_(torch.is_grad_enabled())
