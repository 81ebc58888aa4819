"""Balanced classes (`--class-weights`): every class counts equally in the loss, however many images it has."""

from __future__ import annotations

from functools import partial
from operator import itemgetter

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..evaluation.metrics import Evaluation, Loss, loss_of
from ..task import classification_loss
from .outputs import Outputs, map_outputs
from .recipe.recipe import Recipe


def is_balanced(recipe: Recipe) -> bool:
    """Return whether the training balances the classes; if so, the choice of the best epoch does it too."""
    return recipe.class_weights == "balanced" or recipe.sampler == "balanced"


def balanced_figures(evaluation: Evaluation) -> dict[str, float]:
    """Return `loss` (cross-entropy) and `top1`, each the mean over the classes of the mean over a class's images."""
    right = (evaluation.predictions == evaluation.labels).double()
    groups = [evaluation.labels == label for label in evaluation.labels.unique()]
    return {
        "loss": float(torch.stack([evaluation.losses[group].double().mean() for group in groups]).mean()),
        "top1": float(torch.stack([right[group].mean() for group in groups]).mean()),
    }


def image_weights(labels: Tensor, class_weights: str) -> Tensor | None:
    """Return the weight of an image of each class, from the labels N of all training images; None for equal weights.

    None for several labels per image too: their weights are inside the loss of each image.
    """
    return balanced_weights(labels) if class_weights == "balanced" and labels.ndim == 1 else None


def weighted_loss(network: nn.Module, labels: Tensor, class_weights: str) -> Loss:
    """Return the network's loss; for "balanced", with classes weighted by the inverse of their count in `labels`.

    Several labels per image cannot be weighted in a network's own loss.
    """
    loss = loss_of(network)
    if class_weights == "none":
        return loss
    weights = balanced_weights(labels)
    if loss is classification_loss:
        return partial(_cross_entropy, weights)
    return partial(_loss_by_class, loss, weights)


def balanced_weights(labels: Tensor, classes: int = 0) -> Tensor:
    """Return images / (classes x images of the class) for each class, as in scikit-learn. Labels N (int64).

    Classes, of which there are at least `classes`, without an image have no weight, and are not counted. For label
    marks N x K, return the images without a label / the images with it: both then count equally.
    """
    if labels.ndim > 1:
        marked = labels.float().sum(0)
        return (len(labels) - marked).clamp_min(1) / marked.clamp_min(1)
    counts = torch.bincount(labels, minlength=classes).float()
    return torch.where(counts > 0, len(labels) / ((counts > 0).sum() * counts.clamp_min(1)), 0.0)


def _cross_entropy(weights: Tensor, logits: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Return the weighted loss; the last classes may have no image, and so no weight."""
    weight = F.pad(weights, (0, logits.shape[1] - len(weights)))
    return classification_loss(logits, labels, label_smoothing, weight)


def _loss_by_class(
    loss: Loss, weights: Tensor, outputs: Outputs, labels: Tensor, label_smoothing: float = 0.0
) -> Tensor:
    """Take any loss that is a mean over images separately for each class, and return the weighted mean."""
    classes, counts = labels.unique(return_counts=True)
    shares = weights[classes] * counts
    members = [labels == label for label in classes]
    parts = [
        loss(map_outputs(itemgetter(chosen), outputs), labels[chosen], label_smoothing=label_smoothing)
        for chosen in members
    ]
    return (torch.stack(parts) * shares).sum() / shares.sum()
