"""One forward pass written down: every operation by name, what it gave, and which others fed it."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import ExitStack

import torch
from torch import Tensor, nn

from .graph import Trace
from .hooks import hooked, in_evaluation
from .recorder import Observer, Recorder


def trace(network: nn.Module, images: Tensor, keep: Collection[str] | None = None) -> Trace:
    """Run `network` on `images` (N x C x H x W) in evaluation mode without gradients and write down what happens.

    The images go to the device and the precision of the network. `keep` names the nodes whose outputs are kept (all if
    None). Modules without children are one node each; what a larger module computes itself is a node a function. A
    layer that gives several tensors has a node for each, "name", "name[1]" ... Weights are not copied: the numbers of
    `arithmetic` are those of the network when it is asked. Times are those of the call: on a GPU, of its launch.

    Nothing is left behind in the network, also after an exception. ValueError for a name in `keep` that no node has.
    """
    return record(network, images, keep)


def record(
    network: nn.Module,
    images: Tensor,
    keep: Collection[str] | None = None,
    differentiable: bool = False,
    observe: Observer | None = None,
) -> Trace:
    """As `trace`; with `differentiable`, kept outputs can be differentiated by the output of the node "input".

    `observe` is given the name and the output of every node as it runs: the very tensor that the network goes on with,
    which a later operation may change in place.
    """
    with torch.inference_mode(False), torch.set_grad_enabled(differentiable):
        images = _fitting(images, network)
        recorder = Recorder(network, images.clone() if differentiable else images, keep, observe)
        with ExitStack() as stack:
            stack.enter_context(in_evaluation(network))
            stack.enter_context(hooked(recorder.paths, recorder.enter, recorder.leave))
            stack.enter_context(recorder)
            answer = network(recorder.images)
        if differentiable and "input" in recorder.outputs:
            recorder.outputs["input"] = images
        return recorder.finish(answer)


def _fitting(images: Tensor, network: nn.Module) -> Tensor:
    """A copy of the images where the network is, in its precision."""
    first = next((p for p in network.parameters() if p.is_floating_point()), images)
    images = images.detach().to(first.device, first.dtype, copy=True)
    return images.requires_grad_(torch.is_grad_enabled())
