"""Fit a linear last layer to features by L-BFGS, and choose the strength of its weight decay."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...task import classification_loss, count_correct
from ..class_weights import balanced_weights
from .body_features import Features

# Weight decay of the fitted layer, on standardised features: from a layer that hardly learns to one that learns by
# heart. Fitting goes on from one to the next, and stops after so many in a row that did not improve.
STRENGTHS = tuple(10 ** (1 - k / 2) for k in range(15))
PATIENCE = 3
STEPS = 60
# Parts of a cross-validation.
FOLDS = 5
Layer = tuple[Tensor, Tensor]
Over = Callable[[], bool] | None


class LayerFit:
    """The layer that minimises the loss on `train` with weight decay; each strength begins where the last one ended.

    `layer` says how many classes there are and whether there is a bias; it is not changed. `balanced` weighs the
    classes by the inverse of their number of images.
    """

    def __init__(self, train: Features, layer: nn.Linear, balanced: bool):
        has_bias = layer.bias is not None
        self.shift = train.values.mean(0) if has_bias else torch.zeros_like(train.values[0])
        self.scale = train.values.std(0, unbiased=False).clamp_min(1e-6)
        self.train = Features((train.values - self.shift) / self.scale, train.labels)
        self.weights = balanced_weights(train.labels, layer.out_features) if balanced else None
        self.weight = torch.zeros(layer.weight.shape, device=self.shift.device, requires_grad=True)
        self.bias = torch.zeros(len(self.weight), device=self.shift.device, requires_grad=has_bias)

    def at(self, strength: float) -> Layer:
        """Return weight and bias, for features as they are given, at the minimum with this strength."""
        optimizer = torch.optim.LBFGS(
            [p for p in (self.weight, self.bias) if p.requires_grad],
            max_iter=STEPS, tolerance_grad=1e-5, tolerance_change=1e-7, line_search_fn="strong_wolfe",
        )  # fmt: skip

        def closure() -> Tensor:
            optimizer.zero_grad()
            logits = F.linear(self.train.values, self.weight, self.bias)
            loss = classification_loss(logits, self.train.labels, weight=self.weights)
            loss = loss + 0.5 * strength * self.weight.square().sum() / len(self.weight)
            loss.backward()
            return loss

        optimizer.step(closure)
        scaled = self.weight.detach() / self.scale
        return scaled, self.bias.detach() - scaled @ self.shift


def fit_layer(
    train: Features,
    val: Features | None,
    layer: nn.Linear,
    balanced: bool,
    strengths: tuple[float, ...] = (),
    is_over: Over = None,
) -> tuple[float, Tensor, Tensor]:
    """Return strength, weight and bias with the smallest loss on `val`; without it, those of the last strength.

    Fewer strengths are tried if `is_over` says that time is over.
    """
    fit, strengths = LayerFit(train, layer, balanced), strengths or STRENGTHS
    if val is None:
        return [(strength, *fit.at(strength)) for strength in strengths][-1]
    found: dict[float, Layer] = {}

    def loss(strength: float) -> float:
        found[strength] = fit.at(strength)
        return figures_of_layer(val, *found[strength])[0]

    best = _best_strength(loss, strengths, is_over)
    return best, *found[best]


def fit_to_all(
    features: Features, folds: Tensor, layer: nn.Linear, balanced: bool, is_over: Over = None
) -> tuple[float, Tensor, Tensor]:
    """Return strength, weight and bias of a layer that learns from all features, with the strength of the smallest
    loss in a cross-validation over the `folds`, a number 0 to 4 for each.

    Of a few images set aside, one that happens to be hard would choose the strength; here every image is held out once.
    """
    parts = [(features[folds != fold], features[folds == fold]) for fold in folds.unique()]
    fits = [(LayerFit(train, layer, balanced), held) for train, held in parts if len(train)]

    def loss(strength: float) -> float:
        return sum(len(held) * figures_of_layer(held, *fit.at(strength))[0] for fit, held in fits)

    best = _best_strength(loss, STRENGTHS, is_over)
    return fit_layer(features, None, layer, balanced, tuple(s for s in STRENGTHS if s >= best))


def folds_of(labels: Tensor, groups: Sequence[str] = ()) -> Tensor:
    """Return the fold, 0 to 4, of each image: of every class a fifth in each, or every group whole in one."""
    if groups:
        numbers = {group: number for number, group in enumerate(dict.fromkeys(groups))}
        return torch.tensor([numbers[group] % FOLDS for group in groups])
    kinds = labels if labels.ndim == 1 else labels.unique(dim=0, return_inverse=True)[1]
    folds = torch.empty(len(labels), dtype=torch.long)
    folds[kinds.argsort(stable=True)] = torch.arange(len(labels)) % FOLDS
    return folds


def _best_strength(loss_at: Callable[[float], float], strengths: Sequence[float], is_over: Over) -> float:
    best, best_loss, waited = strengths[0], math.inf, 0
    for strength in strengths:
        loss = loss_at(strength)
        waited = 0 if loss < best_loss else waited + 1
        if not waited:
            best, best_loss = strength, loss
        if waited == PATIENCE or (is_over is not None and is_over()):
            break
    return best


@torch.no_grad()
def figures_of_layer(data: Features, weight: Tensor, bias: Tensor) -> tuple[float, float]:
    """Return loss and share of right answers of a layer."""
    logits = F.linear(data.values, weight, bias)
    return float(classification_loss(logits, data.labels)), float(count_correct(logits, data.labels)) / len(data.labels)
