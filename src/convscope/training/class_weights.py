"""Letting every class count alike in the loss, however many images it has."""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from ..evaluation.metrics import Evaluation, Loss, loss_of
from .recipe import Recipe


def is_balanced(recipe: Recipe) -> bool:
    """Whether every class is to count alike, and so when the best epoch is chosen."""
    return recipe.class_weights == "balanced" or recipe.sampler == "balanced"


def balanced_figures(evaluation: Evaluation) -> dict[str, float]:
    """`loss` (cross-entropy) and `top1`, each the mean over the classes of the mean over the images of a class."""
    right = (evaluation.predictions == evaluation.labels).double()
    groups = [evaluation.labels == label for label in evaluation.labels.unique()]
    return {
        "loss": float(torch.stack([evaluation.losses[group].double().mean() for group in groups]).mean()),
        "top1": float(torch.stack([right[group].mean() for group in groups]).mean()),
    }


def weighted_loss(network: nn.Module, labels: Tensor, way: str) -> Loss:
    """The network's loss; by the way `balanced`, with classes weighted by the inverse of their number in `labels`."""
    loss = loss_of(network)
    if way == "none":
        return loss
    weights = balanced_weights(labels)
    if loss is F.cross_entropy:
        return partial(F.cross_entropy, weight=weights)
    return partial(_class_by_class, loss, weights)


def balanced_weights(labels: Tensor) -> Tensor:
    """Images / (classes x images of the class), a weight a class, as in scikit-learn. Labels N (int64)."""
    counts = torch.bincount(labels).float()
    return len(labels) / (len(counts) * counts)


def _class_by_class(
    loss: Loss, weights: Tensor, outputs: Tensor | tuple[Tensor, ...], labels: Tensor, label_smoothing: float = 0.0
) -> Tensor:
    """A loss of any kind that is a mean over images, taken for the images of each class and weighted as they are."""
    classes, counts = labels.unique(return_counts=True)
    shares = weights[classes] * counts
    parts = [
        loss(
            tree_map(lambda output, chosen=labels == label: output[chosen], outputs),
            labels[labels == label],
            label_smoothing=label_smoothing,
        )
        for label in classes
    ]
    return (torch.stack(parts) * shares).sum() / shares.sum()
