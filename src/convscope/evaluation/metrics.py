"""Metrics of a classifier on images with known labels: loss, top-k accuracy, per-class figures, confusion matrix."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..abstention import Refusal
from ..data.decoded import Decoded
from ..data.decoding.pixels import pixel_batches
from ..data.preprocess import Preprocess
from ..data.split import Split
from ..distributed import ALONE, Processes, is_sharded
from ..errors import DataError, printable
from ..files import csv_text
from ..models.tools.own_loss import own_loss
from ..pictures import batch_size_for
from ..prediction import logits_of
from ..task import Task, classification_loss
from .multi_label import MultiLabelEvaluation
from .tta import Views, mean_logits

Loss = Callable[..., Tensor]


@dataclass
class Evaluation:
    """The predictions of a network for every image of a split, and the metrics that follow from them.

    `logits` is N x classes, `labels` N (int64), both on the CPU; `loss` is the network's mean loss.
    """

    class_names: list[str]
    names: list[str]
    labels: Tensor
    logits: Tensor
    loss: float

    # The figures that training measures after every epoch.
    PER_EPOCH = ("loss", "top1")

    @property
    def probabilities(self) -> Tensor:
        """N x classes, each row summing to 1."""
        return self.logits.softmax(1)

    @property
    def predictions(self) -> Tensor:
        """The most probable class of each image, N."""
        return self.logits.argmax(1)

    @property
    def losses(self) -> Tensor:
        """Cross-entropy of each image, N."""
        return F.cross_entropy(self.logits, self.labels, reduction="none")

    def figures(self) -> dict[str, Any]:
        """Return `n`, `loss`, `top1`, `top5`; accuracies as fractions."""
        return {
            "n": len(self.labels),
            "loss": self.loss,
            "top1": topk_accuracy(self.logits, self.labels, 1),
            "top5": topk_accuracy(self.logits, self.labels, 5),
        }

    def confusion(self) -> list[list[int]]:
        """Return the confusion matrix as counts: one row per true class, one column per predicted class."""
        return self._counts().tolist()

    def per_class(self) -> list[dict[str, Any]]:
        """Return `label`, `precision`, `recall`, `f1`, `support` of every class; 0 where one would divide by zero.

        The three figures of a class that no image has are None: there is nothing to measure.

        Computed here and not by scikit-learn (with which the tests compare it), whose import takes longer than the
        rest of an evaluation.
        """
        counts = self._counts()
        correct, support, predicted = counts.diagonal(), counts.sum(1), counts.sum(0)
        precision, recall, f1 = (correct / np.maximum(n, 1) for n in (predicted, support, (predicted + support) / 2))
        return [
            {
                "label": label,
                "precision": float(p) if n else None,
                "recall": float(r) if n else None,
                "f1": float(f) if n else None,
                "support": int(n),
            }
            for label, p, r, f, n in zip(self.class_names, precision, recall, f1, support, strict=True)
        ]

    def _counts(self) -> np.ndarray:
        classes = len(self.class_names)
        pairs = self.labels * classes + self.predictions
        return torch.bincount(pairs, minlength=classes**2).view(classes, classes).numpy()

    def worst(self, count: int) -> list[int]:
        """Return the indices of the wrongly classified images, the highest loss first."""
        wrong = (self.predictions != self.labels).nonzero().flatten()
        order = self.losses[wrong].argsort(descending=True, stable=True)
        return wrong[order[:count]].tolist()

    def table(self, safe: bool = False, refusals: Sequence[Refusal | None] | None = None) -> str:
        """Return CSV text `path,label,prediction,probability,loss`, one row per image; `safe` as in `csv_text`.

        With `refusals` there is a column `abstained`: why there should be no answer, empty where there should be.
        """
        best = self.probabilities.max(1)
        columns = [
            self.names,
            [self.class_names[i] for i in self.labels.tolist()],
            [self.class_names[i] for i in best.indices.tolist()],
            [f"{p:.6f}" for p in best.values.tolist()],
            [f"{loss:.6f}" for loss in self.losses.tolist()],
        ]
        header = ["path", "label", "prediction", "probability", "loss"]
        if refusals is not None:
            header.append("abstained")
            columns.append([refusal.reason if refusal else "" for refusal in refusals])
        return csv_text([header, *zip(*columns, strict=True)], safe)


def loss_of(network: nn.Module) -> Loss:
    """Return the network's own loss (LeNet-5 has one), or the cross-entropy, of several labels the binary one."""
    return own_loss(network) or classification_loss


@torch.no_grad()
def evaluate(
    network: nn.Module,
    decoded: Decoded,
    preprocess: Preprocess,
    class_names: list[str],
    device: torch.device | None = None,
    views: Views | None = None,
    task: Task | None = None,
    processes: Processes = ALONE,
) -> Evaluation | MultiLabelEvaluation:
    """Evaluate a network on decoded images, each once, or with the mean over several `views` of each.

    In float32, unless the caller is in an autocast context. Several labels per image are predicted from the thresholds
    of `task` on, by default 0.5. Several `processes` share the batches, which are the same for any number of them, and
    all return the whole evaluation.
    """
    network.eval()
    predict, device = partial(mean_logits, network, views=views), device or torch.device("cpu")
    indices = torch.arange(len(decoded)).split(batch_size_for(preprocess))
    own = indices[processes.rank :: processes.count]
    if is_sharded(network) and len(own) < len(indices[:: processes.count]):  # all have to compute equally often
        own = (*own, indices[0])
    parts = [logits_of(predict, preprocess, p, device) for p in pixel_batches(decoded.pixels, own, device)]
    by_rank = processes.gathered(parts)
    logits = torch.cat([by_rank[i % processes.count][i // processes.count] for i in range(len(indices))])
    return evaluation_of(network, decoded, logits, class_names, task)


def evaluation_of(
    network: nn.Module, decoded: Decoded, logits: Tensor, class_names: list[str], task: Task | None = None
) -> Evaluation | MultiLabelEvaluation:
    """Return the evaluation of a network that gives these logits, N x classes on the CPU, for the decoded images."""
    loss = float(loss_of(network)(logits, decoded.labels))
    if decoded.labels.ndim == 1:
        return Evaluation(class_names, decoded.names, decoded.labels, logits, loss)
    task = task or Task.of(True, len(class_names))
    return MultiLabelEvaluation(class_names, decoded.names, decoded.labels, logits, loss, task)


def topk_accuracy(logits: Tensor, labels: Tensor, k: int) -> float:
    """Return the share of images whose label is among the k largest logits (all, if there are fewer classes than k).

    Of equal logits the class that comes first counts as larger, as in argmax: a network that always gives equal logits
    is correct for the first k classes only. NaN is never correct.
    """
    own = logits.gather(1, labels[:, None])
    is_earlier = torch.arange(logits.shape[1]) < labels[:, None]
    is_larger = (logits > own) | ((logits == own) & is_earlier)
    # Nothing compares as larger than NaN, which must not make it the best.
    return float(((is_larger.sum(1) < k) & own.flatten().isfinite()).double().mean())


def batch_mean_accuracy(correct: Iterable[bool], batch_size: int) -> float:
    """Return the mean over batches of each batch's accuracy, in which a smaller last batch weighs as much as any other.

    The figure of many tutorials (their 99.327532 % is one of these); the accuracy over all images is the better one.
    """
    values = np.fromiter(correct, dtype=np.float64)
    means = [values[i : i + batch_size].mean() for i in range(0, len(values), batch_size)]
    return float(np.mean(means))


def relabel(split: Split, names_in_data: list[str], class_names: list[str]) -> Split:
    """Return the same images with labels that index `class_names`, matched by name; DataError for an unknown class."""
    used = sorted({int(label) for label in split.labels})
    if unknown := [names_in_data[i] for i in used if names_in_data[i] not in class_names]:
        known = ", ".join(map(printable, class_names[:10])) + (", ..." if len(class_names) > 10 else "")
        raise DataError(f"the classifier does not know the class '{printable(unknown[0])}'; it knows {known}")
    index = {i: class_names.index(names_in_data[i]) for i in used}
    labels = np.array([index[int(label)] for label in split.labels], dtype=np.int64)
    return Split(split.images, labels, split.names)
