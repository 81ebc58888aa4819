"""The gradients of one batch: forward pass, loss and backward pass, in parts where the recipe asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor
from torch.optim import Optimizer

from ...data.augment.mixup_cutmix import Mixed
from ...task import count_correct
from ..context import TrainingContext
from ..outputs import Outputs, main_logits, map_outputs

Loss = Callable[..., Tensor]
Labels = Tensor | Mixed


def add_gradients(
    context: TrainingContext,
    forward: Callable[..., Outputs],
    loss: Loss,
    scaler: torch.amp.GradScaler,
    batch: tuple[Tensor, Labels],
    *,
    of_step: int | None = None,
    weights: Tensor | None = None,
) -> Tensor:
    """Add the gradients of a step's mean loss; return this process's part in that loss and its number of right answers.

    The mean is taken over the images of all processes together, `of_step` of them (default: the batch is all of them);
    with `weights`, one per class, each image counts by the weight of its class. The part is scaled such that its mean
    over the processes, by their images, is the step's loss. With gradient accumulation the batch goes through the
    network in pieces, one after the other.
    """
    (images, labels), recipe, runtime, processes = batch, context.recipe, context.runtime, context.processes
    of_step = of_step or len(images)
    whole: Tensor | float = total_weight(_first(labels), weights)
    if processes.count > 1:
        whole = of_step if weights is None else processes.summed([float(whole)])[0]
    figures = torch.zeros(2, device=images.device)
    parts = list(parts_of_batch(images, labels, recipe.accumulate))
    for number, (some, of_some) in enumerate(parts, start=1):
        with processes.averaging(forward, is_last=number == len(parts)):
            with runtime.autocast():
                outputs = map_outputs(Tensor.float, forward(runtime.lay_out(some)))
                share = mean_loss(loss, outputs, of_some, recipe.label_smoothing, weights, whole)
            scaler.scale(share * processes.count).backward()
        correct = count_correct(main_logits(outputs).detach(), _first(of_some))
        figures += torch.stack([share.detach() * (of_step / len(images)), correct])
    return figures


def total_weight(labels: Tensor, weights: Tensor | None) -> Tensor | float:
    """Return the sum of the weights of labels N: each that of its class, or 1 without `weights`."""
    return len(labels) if weights is None else weights[labels].sum()


def clear_gradients(optimizer: Optimizer, keep: bool) -> None:
    """Set all gradients to zero: by forgetting them, or with `keep` in the same tensors, which are made if need be."""
    if keep:
        for parameter in (p for group in optimizer.param_groups for p in group["params"]):
            if parameter.requires_grad and parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
    optimizer.zero_grad(set_to_none=not keep)


def parts_of_batch(images: Tensor, labels: Labels, count: int) -> Iterator[tuple[Tensor, Labels]]:
    """Yield a batch in at most `count` parts, which differ in length by one at most."""
    count = min(count, len(images))
    if isinstance(labels, Mixed):
        pairs = zip(labels.first.tensor_split(count), labels.second.tensor_split(count), strict=True)
        of_parts: Iterable[Labels] = [Mixed(first, second, labels.share) for first, second in pairs]
    else:
        of_parts = labels.tensor_split(count)
    yield from zip(images.tensor_split(count), of_parts, strict=True)


def mean_loss(
    loss: Loss,
    outputs: Outputs,
    labels: Labels,
    label_smoothing: float,
    weights: Tensor | None = None,
    whole: Tensor | float | None = None,
) -> Tensor:
    """Return the mean loss of a batch; of a mixed one, that of both its labels by their shares.

    With `whole`, what the batch adds to the mean over images of that total weight, of which it is a part.
    """
    if isinstance(labels, Tensor):
        mean = loss(outputs, labels, label_smoothing=label_smoothing)
        return mean if whole is None else mean * (total_weight(labels, weights) / whole)
    first, second = (
        mean_loss(loss, outputs, some, label_smoothing, weights, whole) for some in (labels.first, labels.second)
    )
    return labels.share * first + (1 - labels.share) * second


def _first(labels: Labels) -> Tensor:
    return labels.first if isinstance(labels, Mixed) else labels
