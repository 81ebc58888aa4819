"""What a network returns in training: its logits, or a tuple of the logits of its main and its auxiliary heads.

And the loss of that, for plain labels and for those of mixed images.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from torch import Tensor

from ..data.augment.mixup_cutmix import Mixed

Outputs: TypeAlias = Tensor | tuple[Tensor, ...]


def map_outputs(function: Callable[[Tensor], Tensor], outputs: Outputs) -> Outputs:
    """Apply `function` to every tensor; a named tuple stays one."""
    if isinstance(outputs, Tensor):
        return function(outputs)
    mapped = [function(output) for output in outputs]
    return type(outputs)(*mapped) if hasattr(outputs, "_fields") else tuple(mapped)


def main_logits(outputs: Outputs) -> Tensor:
    """Return the logits of the main head, N x classes, which come first."""
    return outputs if isinstance(outputs, Tensor) else outputs[0]


def mean_loss(loss: Callable[..., Tensor], outputs: Outputs, labels: Tensor | Mixed, label_smoothing: float) -> Tensor:
    """Return the mean loss of a batch; of a mixed one, that of both its labels by their shares."""
    if isinstance(labels, Tensor):
        return loss(outputs, labels, label_smoothing=label_smoothing)
    first = loss(outputs, labels.first, label_smoothing=label_smoothing)
    second = loss(outputs, labels.second, label_smoothing=label_smoothing)
    return labels.share * first + (1 - labels.share) * second
