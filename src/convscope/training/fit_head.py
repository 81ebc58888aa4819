"""Fit a classical classifier of scikit-learn (`--head`) to a network's features, in place of its last layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..data.decoded import Decoded
from ..data.preprocess import Preprocess
from ..evaluation.features import features_of, layer_names
from ..models.tools.classical_head import WithClassicalHead
from ..models.tools.head import find_head
from ..models.tools.layer_features import PENULTIMATE
from .prepare.prepare_data import PreparedData
from .recipe.recipe import Recipe

NEIGHBOURS = 5


def with_classical_head(network: nn.Module, recipe: Recipe, prepared: PreparedData) -> tuple[nn.Module, PreparedData]:
    """Return the trained network with the recipe's classical head, and `prepared` with its arguments for the two."""
    whole, settings = fit_head(
        network,
        recipe.head,
        layer_names(recipe.features),
        prepared.parts["train"],
        prepared.preprocess,
        len(prepared.data.class_names),
        recipe.seed,
    )
    return whole, replace(prepared, model_args={**prepared.model_args, "head": settings})


def fit_head(
    network: nn.Module,
    kind: str,
    depths: Sequence[str],
    train: Decoded,
    preprocess: Preprocess,
    classes: int,
    seed: int,
) -> tuple[WithClassicalHead, dict[str, Any]]:
    """Fit a head of this `kind` to the features of the training images behind the layers `depths`.

    Returns the network with that head, and the settings with which `create_model` builds the two again.
    """
    device = next(network.parameters()).device
    features, labels = features_of(network, depths, train, preprocess, device), train.labels.cpu()
    mean, scale = features.mean(0), features.std(0, unbiased=False).clamp_min(1e-6)
    sizes, state = FITS[kind](((features - mean) / scale).numpy(), labels.numpy(), classes, seed)
    settings = {
        "kind": kind,
        "depths": list(depths or [PENULTIMATE]),
        "width": features.shape[1],
        "last": find_head(network, torch.zeros(2, *preprocess.input_size, device=device)),
        **sizes,
    }
    whole = WithClassicalHead(network.cpu(), classes, settings)
    whole.mean.copy_(mean)
    whole.scale.copy_(scale)
    whole.head.load_state_dict(state)
    return whole.to(device).eval(), settings


Fitted = tuple[dict[str, int], dict[str, Tensor]]


def _linear(rows: np.ndarray, intercepts: np.ndarray) -> Fitted:
    if len(rows) == 1:  # for two classes scikit-learn has the weights of the second only
        rows, intercepts = np.concatenate([np.zeros_like(rows), rows]), np.append(0.0, intercepts)
    return {}, {"linear.weight": _tensor(rows), "linear.bias": _tensor(intercepts)}


def _logistic(features: np.ndarray, labels: np.ndarray, classes: int, seed: int) -> Fitted:
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(max_iter=1000).fit(features, labels)
    return _linear(fitted.coef_, fitted.intercept_)


def _svm(features: np.ndarray, labels: np.ndarray, classes: int, seed: int) -> Fitted:
    from sklearn.svm import LinearSVC

    fitted = LinearSVC(C=0.01, dual="auto", max_iter=5000, random_state=seed).fit(features, labels)
    return _linear(fitted.coef_, fitted.intercept_)


def _knn(features: np.ndarray, labels: np.ndarray, classes: int, seed: int) -> Fitted:
    # Nothing to fit: the head searches the neighbours as scikit-learn does by brute force.
    k = min(NEIGHBOURS, len(features))
    return {"rows": len(features), "k": k}, {"features": _tensor(features), "labels": torch.from_numpy(labels)}


def _tree(features: np.ndarray, labels: np.ndarray, classes: int, seed: int) -> Fitted:
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(min_samples_leaf=2, random_state=seed).fit(features, labels).tree_
    own = np.arange(tree.node_count)
    leaf = tree.children_left < 0
    branches = np.stack([np.where(leaf, own, tree.children_left), np.where(leaf, own, tree.children_right)], axis=1)
    shares = tree.value[:, 0] / tree.value[:, 0].sum(1, keepdims=True)
    state = {
        "feature": torch.from_numpy(np.where(leaf, 0, tree.feature).astype(np.int64)),
        "threshold": torch.from_numpy(np.where(leaf, 0, tree.threshold).astype(np.float64)),
        "branches": torch.from_numpy(branches.astype(np.int64)),
        "shares": _tensor(shares),
    }
    return {"nodes": int(tree.node_count), "levels": max(int(tree.max_depth), 1)}, state


FITS = {"svm": _svm, "tree": _tree, "knn": _knn, "logistic": _logistic}


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.asarray(values, dtype=np.float32))
