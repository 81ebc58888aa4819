"""Classical classifiers on a network's features, as modules with what scikit-learn fitted in tensors.

They are saved without pickle and run on any device. The softmax of their logits gives scikit-learn's own probabilities
(except for the support vector machine, whose margins are no probabilities).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .layer_features import LayerFeatures


class LinearHead(nn.Module):
    """Logistic regression, or one linear support vector machine per class. N x width -> N x classes."""

    def __init__(self, width: int, classes: int):
        super().__init__()
        self.linear = nn.Linear(width, classes)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits, or margins."""
        return self.linear(features)


class NeighboursHead(nn.Module):
    """k nearest neighbours among `rows` stored images. Logits are the logarithms of the shares of their votes."""

    features: Tensor
    labels: Tensor

    def __init__(self, width: int, classes: int, rows: int, k: int):
        super().__init__()
        self.classes, self.k = classes, k
        self.register_buffer("features", torch.zeros(rows, width))
        self.register_buffer("labels", torch.zeros(rows, dtype=torch.int64))

    def forward(self, features: Tensor) -> Tensor:
        """Return logits: N x width -> N x classes."""
        nearest = torch.cdist(features, self.features).topk(self.k, largest=False).indices
        votes = torch.nn.functional.one_hot(self.labels[nearest], self.classes).sum(1)
        return _log_of_shares(votes / self.k)


class TreeHead(nn.Module):
    """A decision tree of `nodes` nodes and at most `levels` decisions, as CART grows it (Breiman et al. 1984)."""

    feature: Tensor
    threshold: Tensor
    branches: Tensor
    shares: Tensor

    def __init__(self, width: int, classes: int, nodes: int, levels: int):
        super().__init__()
        self.levels = levels
        self.register_buffer("feature", torch.zeros(nodes, dtype=torch.int64))
        self.register_buffer("threshold", torch.zeros(nodes, dtype=torch.float64))
        # The left child where the feature is at most the threshold; a leaf is its own child.
        self.register_buffer("branches", torch.zeros(nodes, 2, dtype=torch.int64))
        self.register_buffer("shares", torch.zeros(nodes, classes))

    def forward(self, features: Tensor) -> Tensor:
        """Return the logarithms of the shares of the classes in the leaf: N x width -> N x classes."""
        # Not zeros(len(features)), which an export would take for a constant.
        node = torch.zeros_like(features[:, 0], dtype=torch.int64)
        for _ in range(self.levels):
            value = features.gather(1, self.feature[node, None]).squeeze(1)
            node = self.branches[node, (value > self.threshold[node]).long()]
        return _log_of_shares(self.shares[node])


HEADS: dict[str, type[nn.Module]] = {
    "svm": LinearHead, "logistic": LinearHead, "knn": NeighboursHead, "tree": TreeHead,
}  # fmt: skip


class WithClassicalHead(nn.Module):
    """A network whose last layer is replaced by a classical classifier on its features. N x C x H x W -> N x classes.

    `settings` are `kind` (a key of HEADS), `depths` (names of layers, or `penultimate`), `width` (of the joined
    features), `last` (the paths of the network's own last layers) and the sizes that this kind needs.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, network: nn.Module, classes: int, settings: Mapping[str, Any]):
        super().__init__()
        if not isinstance(settings, Mapping):
            raise ValueError(f"head: settings must be names with values, not {settings!r}")
        kind, depths, width, last = (settings.get(key) for key in ("kind", "depths", "width", "last"))
        if kind not in HEADS or not _names(depths) or not _names(last) or not isinstance(width, int):
            raise ValueError(f"head: settings need kind ({', '.join(HEADS)}), depths, width and last")
        sizes = {key: value for key, value in settings.items() if key not in ("kind", "depths", "width", "last")}
        if not all(isinstance(value, int) and value > 0 for value in sizes.values()):
            raise ValueError("head: sizes must be whole numbers above 0")
        self.body, self.kind = network, kind
        self.depths = LayerFeatures(network, list(depths or ()), list(last or ()))
        # Each feature minus its mean over the training images, divided by its standard deviation.
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))
        self.head = HEADS[kind](width, classes, **sizes)

    @property
    def decides_by_steps(self) -> bool:
        """Whether the answer is the same for all images nearby: its gradient is 0, and autograd has none."""
        return isinstance(self.head, NeighboursHead | TreeHead)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits whose softmax is the head's probabilities, or a support vector machine's margins."""
        return self.head((self.depths(images) - self.mean) / self.scale)


def _names(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(name, str) for name in value)


def _log_of_shares(shares: Tensor) -> Tensor:
    # Minus infinity for a class without any share would turn a mean of logits into NaN.
    return shares.float().clamp_min(1e-9).log()
