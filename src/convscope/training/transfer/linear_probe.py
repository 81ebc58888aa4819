"""Linear probing: fit the last layer to the features of the body, whose weights were learned on other images.

Training that starts from a random last layer spends its first epochs on noise, which also disturbs the body. Fitting
the layer first is convex and takes seconds, and going on from there is better than either alone (LP-FT: Kumar et al.,
2022, arXiv 2202.10054).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...data.decoded import Decoded
from ...data.preprocess import Preprocess
from ...evaluation import Evaluation, MultiLabelEvaluation
from ...evaluation.metrics import evaluation_of
from ...models.tools.head import find_head
from ...models.tools.layer_features import PENULTIMATE, LayerFeatures
from ...nested import tensors_in
from ..hardware.runtime import Runtime
from ..time_budget import Clock
from .body_features import Extractor, Features, Keeping
from .fit_layer import figures_of_layer, fit_layer, fit_to_all, folds_of

# Of the time that is left, what the features of the validation and of the training images and the fit may take at most.
VAL_SHARE, TRAIN_SHARE, FIT_SHARE = 0.3, 0.6, 0.5
GroupsOf = Callable[[Sequence[str]], Sequence[str]]
# Largest difference between the network's outputs and those of its last layer alone, in units of the largest output.
SAME = 0.02


@dataclass(frozen=True)
class LinearProbe:
    """A fitted last layer: the strength of its weight decay; loss and share of right answers on the training images.

    `images` is the number of images that it learned from, mirror images included, `photos` without them, `seconds` the
    time of it all. `validation` is its evaluation on the validation images, None without any. `whole` are the network's
    weights and states with the layer fitted to these as well, if that was asked for and the time allowed it.
    """

    strength: float
    loss: float
    correct: float
    images: int
    seconds: float
    photos: int
    validation: Evaluation | MultiLabelEvaluation | None
    whole: dict[str, Tensor] | None = None


def is_probe(row: Mapping[str, float]) -> bool:
    """Return whether a row of metrics.csv is that of a fitted last layer, before the first epoch."""
    return row["epoch"] == 0


def fit_linear_probe(
    network: nn.Module,
    preprocess: Preprocess,
    runtime: Runtime,
    train: Decoded,
    val: Decoded | None = None,
    *,
    mirrored: bool = False,
    balanced: bool = False,
    clock: Clock | None = None,
    keeping: Keeping | None = None,
    class_names: Sequence[str] = (),
    whole: bool = False,
    groups_of: GroupsOf = lambda names: (),
) -> LinearProbe | None:
    """Fit the network's last layer, in place, to the features of `train`; None if it has none that can be fitted.

    The strength of its weight decay is the one with the smallest loss on `val`, without it in a cross-validation that
    keeps groups whole (`groups_of` gives those of images by their names). With `mirrored`, mirror images are used
    too; `balanced` weighs the classes by the inverse of their number of images. If `clock` has a time budget, there are
    as many images as it allows. `whole` asks for a layer that learns from `val`, too, its strength cross-validated. The
    network must be on the device and in the layout of `runtime`.
    """
    started, clock = time.perf_counter(), clock or Clock()
    layer, extract = last_layer(network, preprocess, runtime)
    if layer is None or extract is None:
        return None
    extractor = Extractor(extract, preprocess, runtime, layer.in_features, keeping or Keeping())
    # Validation images first: without them nothing can be chosen, nor said about the result.
    held_out = None if val is None else extractor.features_of(val, is_over=clock.alarm(VAL_SHARE))
    parts = _views_in_time(extractor, train, mirrored, clock)
    learned = _joined(*(part for part, _ in parts))
    if held_out is None:
        folds = folds_of(train.labels, groups_of(train.names))[torch.cat([numbers for _, numbers in parts])]
        strength, weight, bias = fit_to_all(learned, folds, layer, balanced, clock.alarm(FIT_SHARE))
    else:
        strength, weight, bias = fit_layer(learned, held_out[0], layer, balanced, is_over=clock.alarm(FIT_SHARE))
    _set_layer(layer, weight, bias)
    validation = state = None
    if val is not None and held_out is not None:
        logits = F.linear(held_out[0].values, weight, bias).float().cpu()
        validation = evaluation_of(network, val.take(held_out[1]), logits, list(class_names))
        if whole and len(held_out[1]) + len(parts[0][0]) == len(val) + len(train):
            views = [held_out[0], *(extractor.features_of(val, mirror=True)[0] for _ in parts[1:])]
            folds = _folds_of_views(train, val, len(parts), groups_of)
            alone = fit_to_all(_joined(learned, *views), folds, layer, balanced, clock.alarm(FIT_SHARE))
            state = _state_with(network, layer, *alone[1:])
    figures, photos = figures_of_layer(learned, weight, bias), len(parts[0][0])
    seconds = time.perf_counter() - started
    return LinearProbe(strength, *figures, len(learned), seconds, photos, validation, state)


def _views_in_time(extractor: Extractor, train: Decoded, mirrored: bool, clock: Clock) -> list[tuple[Features, Tensor]]:
    """Return the features of the training images, and if they are wanted and the time allows it of their mirror images.

    Each with the numbers of the images that they are of.
    """
    begun = time.perf_counter()
    parts = [extractor.features_of(train, is_over=clock.alarm(TRAIN_SHARE))]
    taken, left = time.perf_counter() - begun, clock.left()
    if mirrored and len(parts[0][0]) == len(train) and (left is None or taken <= left / 2):
        parts.append(extractor.features_of(train, mirror=True, is_over=clock.alarm(TRAIN_SHARE)))
    return parts


def _folds_of_views(train: Decoded, val: Decoded, views: int, groups_of: GroupsOf) -> Tensor:
    """Return the folds of the training images, once per view of them, and of the validation images likewise."""
    folds = folds_of(torch.cat([train.labels, val.labels]), groups_of([*train.names, *val.names]))
    return torch.cat([folds[: len(train)]] * views + [folds[len(train) :]] * views)


def _joined(*features: Features) -> Features:
    return Features(torch.cat([each.values for each in features]), torch.cat([each.labels for each in features]))


@torch.no_grad()
def _set_layer(layer: nn.Linear, weight: Tensor, bias: Tensor) -> None:
    layer.weight.copy_(weight)
    if layer.bias is not None:
        layer.bias.copy_(bias)


def _state_with(network: nn.Module, layer: nn.Linear, weight: Tensor, bias: Tensor) -> dict[str, Tensor]:
    """Return the network's state with this weight and bias in its last layer."""
    changed = {id(layer.weight): weight, **({} if layer.bias is None else {id(layer.bias): bias})}
    state = network.state_dict(keep_vars=True)
    return {name: changed.get(id(tensor), tensor).detach().clone() for name, tensor in state.items()}


def last_layer(
    network: nn.Module, preprocess: Preprocess, runtime: Runtime
) -> tuple[nn.Linear | None, LayerFeatures | None]:
    """Return the last layer, if it is linear and its outputs are those of the network, and what gives its inputs."""
    network.eval()
    blank = torch.zeros(2, *preprocess.input_size, device=runtime.device)
    heads = find_head(network, blank)
    layer = network.get_submodule(heads[-1]) if heads else None
    if not isinstance(layer, nn.Linear) or not layer.weight.requires_grad or len(list(layer.parameters())) > 2:
        return None, None
    extract = LayerFeatures(network, [PENULTIMATE], heads)
    images = torch.randn(2, *preprocess.input_size, device=runtime.device)
    with torch.no_grad():
        outputs = tensors_in(network(images))[0]
        alone = layer(extract(images)) if extract(images).shape[1] == layer.in_features else None
    if alone is None or alone.shape != outputs.shape:
        return None, None
    return (layer, extract) if (alone - outputs).abs().max() <= SAME * outputs.abs().max() else (None, None)
