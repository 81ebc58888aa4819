"""How good a network is on images it has not seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..data.batches import in_order
from ..data.decoded import Decoded
from ..data.preprocess import Preprocess
from ..data.split import Split
from ..errors import DataError, printable
from ..files import csv_text
from .tta import Views, mean_logits

Loss = Callable[..., Tensor]


@dataclass
class Evaluation:
    """The answers of a network for every image of a split, and the figures that follow from them.

    `logits` is N x classes, `labels` N, both on the CPU; `losses` is the cross-entropy of each image.
    """

    class_names: list[str]
    names: list[str]
    labels: Tensor
    logits: Tensor
    loss: float

    @property
    def probabilities(self) -> Tensor:
        """N x classes, each row summing to 1."""
        return self.logits.softmax(1)

    @property
    def predictions(self) -> Tensor:
        """The likeliest class of each image."""
        return self.logits.argmax(1)

    @property
    def losses(self) -> Tensor:
        """Cross-entropy of each image, N."""
        return F.cross_entropy(self.logits, self.labels, reduction="none")

    def figures(self) -> dict[str, Any]:
        """`n`, `loss`, `top1`, `top5`; accuracies as fractions."""
        return {
            "n": len(self.labels),
            "loss": self.loss,
            "top1": topk_accuracy(self.logits, self.labels, 1),
            "top5": topk_accuracy(self.logits, self.labels, 5),
        }

    def confusion(self) -> list[list[int]]:
        """Counts: a row a true class, a column a predicted one."""
        return self._counts().tolist()

    def per_class(self) -> list[dict[str, Any]]:
        """`label`, `precision`, `recall`, `f1`, `support` of every class; 0 where a figure would divide by zero.

        Counted here rather than by scikit-learn (which the tests compare it with), whose import takes longer than all
        the rest of the end of a training.
        """
        counts = self._counts()
        right, support, said = counts.diagonal(), counts.sum(1), counts.sum(0)
        precision, recall, f1 = (right / np.maximum(n, 1) for n in (said, support, (said + support) / 2))
        return [
            {"label": label, "precision": float(p), "recall": float(r), "f1": float(f), "support": int(n)}
            for label, p, r, f, n in zip(self.class_names, precision, recall, f1, support, strict=True)
        ]

    def _counts(self) -> np.ndarray:
        classes = len(self.class_names)
        pairs = self.labels * classes + self.predictions
        return torch.bincount(pairs, minlength=classes**2).view(classes, classes).numpy()

    def worst(self, count: int) -> list[int]:
        """Indices of the wrongly classified images, the most confident mistake first."""
        wrong = (self.predictions != self.labels).nonzero().flatten()
        order = self.losses[wrong].argsort(descending=True, stable=True)
        return wrong[order[:count]].tolist()

    def table(self) -> str:
        """CSV text `path,label,prediction,probability,loss`, a row an image."""
        best = self.probabilities.max(1)
        columns = (
            self.names,
            [self.class_names[i] for i in self.labels.tolist()],
            [self.class_names[i] for i in best.indices.tolist()],
            [f"{p:.6f}" for p in best.values.tolist()],
            [f"{loss:.6f}" for loss in self.losses.tolist()],
        )
        return csv_text([("path", "label", "prediction", "probability", "loss"), *zip(*columns, strict=True)])


def loss_of(network: nn.Module) -> Loss:
    """The network's own loss (LeNet-5 has one), or the cross-entropy."""
    return getattr(network, "loss", F.cross_entropy)


@torch.no_grad()
def evaluate(
    network: nn.Module,
    decoded: Decoded,
    preprocess: Preprocess,
    class_names: list[str],
    device: torch.device | None = None,
    views: Views | None = None,
) -> Evaluation:
    """Run a network over decoded images in evaluation mode, each image once, or the mean over several `views` of it.

    In float32, unless the caller is in an autocast context.
    """
    network.eval()
    place = device or torch.device("cpu")
    batches = in_order(decoded, preprocess, place)
    logits = torch.cat([mean_logits(network, images, views).cpu() for images, _ in batches])
    loss = float(loss_of(network)(logits, decoded.labels))
    return Evaluation(class_names, decoded.names, decoded.labels, logits, loss)


def topk_accuracy(logits: Tensor, labels: Tensor, k: int) -> float:
    """Share of the images whose label is among the k largest logits (all classes, if there are fewer than k).

    Of equal logits the class that comes first counts as larger, as in argmax: a network that always says the same is
    right once a class, not always.
    """
    own = logits.gather(1, labels[:, None])
    earlier = torch.arange(logits.shape[1]) < labels[:, None]
    ahead = (logits > own) | ((logits == own) & earlier)
    # NaN is larger than nothing; it must not look like the best answer.
    return float(((ahead.sum(1) < k) & own.flatten().isfinite()).double().mean())


def batch_mean_accuracy(correct: Iterable[bool], batch_size: int) -> float:
    """Mean over batches of each batch's accuracy, the last one weighing as much as a full one.

    The tutorials' figure (their 99.327532 % is one of these); the share of images that are right is the better one.
    """
    values = np.fromiter(correct, dtype=np.float64)
    means = [values[i : i + batch_size].mean() for i in range(0, len(values), batch_size)]
    return float(np.mean(means))


def relabel(split: Split, names_in_data: list[str], class_names: list[str]) -> Split:
    """The same images with labels that index `class_names`: classes are matched by name, never by position."""
    used = sorted({int(label) for label in split.labels})
    if unknown := [names_in_data[i] for i in used if names_in_data[i] not in class_names]:
        known = ", ".join(map(printable, class_names[:10])) + (", ..." if len(class_names) > 10 else "")
        raise DataError(f"the classifier does not know the class '{printable(unknown[0])}'; it knows {known}")
    position = {i: class_names.index(names_in_data[i]) for i in used}
    labels = np.array([position[int(label)] for label in split.labels], dtype=np.int64)
    return Split(split.images, labels, split.names)
