"""The gradients of one batch: forward pass, loss and backward pass, in parts where the recipe asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from ..data.augment.mixup_cutmix import Mixed
from ..task import count_correct
from .context import TrainingContext
from .outputs import Outputs, main_logits, map_outputs

Loss = Callable[..., Tensor]
Labels = Tensor | Mixed


def add_gradients(
    context: TrainingContext,
    forward: Callable[..., Outputs],
    loss: Loss,
    scaler: torch.amp.GradScaler,
    batch: tuple[Tensor, Labels],
    weight: float = 1.0,
) -> Tensor:
    """Add the gradients of a batch's mean loss, times `weight`; return that loss and the number of correct answers.

    With gradient accumulation the batch goes through the network in parts, one after the other.
    """
    (images, labels), recipe, runtime = batch, context.recipe, context.runtime
    figures = torch.zeros(2, device=images.device)
    parts = list(parts_of_batch(images, labels, recipe.accumulate))
    for number, (some, of_some) in enumerate(parts, start=1):
        share = len(some) / len(images)
        with context.processes.averaging(forward, is_last=number == len(parts)):
            with runtime.autocast():
                outputs = map_outputs(Tensor.float, forward(runtime.lay_out(some)))
                mean = mean_loss(loss, outputs, of_some, recipe.label_smoothing)
            scaler.scale(mean * (share * weight)).backward()
        first = of_some.first if isinstance(of_some, Mixed) else of_some
        figures += torch.stack([mean.detach() * share, count_correct(main_logits(outputs).detach(), first)])
    return figures


def parts_of_batch(images: Tensor, labels: Labels, count: int) -> Iterator[tuple[Tensor, Labels]]:
    """Yield a batch in at most `count` parts, which differ in length by one at most."""
    for indices in torch.arange(len(images)).tensor_split(min(count, len(images))):
        part = slice(int(indices[0]), int(indices[-1]) + 1)
        if isinstance(labels, Mixed):
            yield images[part], Mixed(labels.first[part], labels.second[part], labels.share)
        else:
            yield images[part], labels[part]


def mean_loss(loss: Loss, outputs: Outputs, labels: Labels, label_smoothing: float) -> Tensor:
    """Return the mean loss of a batch; of a mixed one, that of both its labels by their shares."""
    if isinstance(labels, Tensor):
        return loss(outputs, labels, label_smoothing=label_smoothing)
    first = loss(outputs, labels.first, label_smoothing=label_smoothing)
    second = loss(outputs, labels.second, label_smoothing=label_smoothing)
    return labels.share * first + (1 - labels.share) * second
