"""What the outputs of a network stand for: one class per image (softmax), or any number of labels (a sigmoid each)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

# The threshold of a label for which no better one was chosen.
THRESHOLD = 0.5


@dataclass(frozen=True)
class Task:
    """One class per image, or with `thresholds` several labels: those whose probability is at least their threshold."""

    thresholds: tuple[float, ...] | None = None

    @classmethod
    def of(cls, multi_label: bool, classes: int) -> Task:
        """Return the task of a data set, with the usual threshold for each of its labels."""
        return cls((THRESHOLD,) * classes) if multi_label else cls()

    @property
    def multi_label(self) -> bool:
        """Whether an image may have several labels or none."""
        return self.thresholds is not None

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return the probabilities, ... x classes: each row sums to 1, or with several labels each is its own."""
        return logits.sigmoid() if self.multi_label else logits.softmax(-1)

    def selected(self, probabilities: Tensor) -> Tensor:
        """Return which labels an image gets, bool, ... x classes: of one class per image the most probable."""
        import torch
        import torch.nn.functional as F

        if self.thresholds is None:
            return F.one_hot(probabilities.argmax(-1), probabilities.shape[-1]).bool()
        return probabilities >= torch.tensor(self.thresholds, dtype=torch.float64, device=probabilities.device)

    def loss_of_class(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the mean of -log(probability) of one class per image. Logits N x classes, labels N."""
        import torch.nn.functional as F

        if not self.multi_label:
            return F.cross_entropy(logits, labels)
        return -F.logsigmoid(logits.gather(1, labels[:, None])).mean()

    def to_config(self) -> dict[str, Any]:
        """Return what a bundle's configuration has about the task: nothing for one class per image."""
        return {"task": "multi-label", "thresholds": list(self.thresholds)} if self.thresholds is not None else {}


def classification_loss(
    logits: Tensor, labels: Tensor, label_smoothing: float = 0.0, weight: Tensor | None = None
) -> Tensor:
    """Return the mean loss of logits N x classes.

    Cross-entropy for labels N (int64); binary cross-entropy for label marks N x classes (0 or 1). `label_smoothing` is
    the share of a target that is spread over all classes, or between 0 and 1. `weight`, one number per class, weighs
    the images of a class, or the images that have a label against those that do not.
    """
    import torch.nn.functional as F

    if labels.ndim == 1:
        return F.cross_entropy(logits, labels, weight=weight, label_smoothing=label_smoothing)
    targets = labels.to(logits.dtype) * (1 - label_smoothing) + label_smoothing / 2
    return F.binary_cross_entropy_with_logits(logits, targets, pos_weight=weight)


def count_correct(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the number of images whose class is the most probable, or all of whose label marks N x classes are right.

    A label is taken to be predicted from the usual threshold on.
    """
    if labels.ndim == 1:
        return (logits.argmax(1) == labels).sum()
    return ((logits >= 0) == labels.bool()).all(1).sum()
