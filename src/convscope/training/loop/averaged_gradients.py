"""Gradients that are the mean over all processes of a training, whatever it leaves out of the network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ...data.batches import Batches
from ...distributed import is_sharded
from ...evaluation.metrics import loss_of
from ...models.tools.copying import copy_network
from ..context import TrainingContext
from ..hardware.depthwise import with_quick_gradients
from ..outputs import map_outputs
from ..transfer.freeze import Body, keeps_statistics


def averaging_gradients(
    context: TrainingContext, network: nn.Module, batches: Batches, body: Body | None
) -> Callable[..., Any]:
    """Return the network, compiled if the recipe says so, as one whose gradients are the mean over all processes.

    With a `body`, parts of it may be left out of training; a person's own network may leave parts out itself.
    """
    forward = context.runtime.compiled(network) if context.recipe.compile else network
    if is_sharded(network):
        return network
    if context.processes.count == 1:
        return forward if context.recipe.compile else with_quick_gradients(network, keeps_statistics(body))
    all_used = body is None and context.own is None and _all_get_gradients(network, batches)
    return context.processes.with_averaged_gradients(forward, context.runtime.device, all_used)


def _all_get_gradients(network: nn.Module, batches: Batches) -> bool:
    """Return whether the loss depends on every parameter, by a trial on a copy of the network."""
    trial, (images, labels) = copy_network(network).train(), batches.sample(2)
    with torch.random.fork_rng([images.device] if images.device.type == "cuda" else []):
        loss_of(network)(map_outputs(Tensor.float, trial(images)), labels).backward()
    return all(parameter.grad is not None for parameter in trial.parameters() if parameter.requires_grad)
