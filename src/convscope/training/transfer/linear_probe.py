"""Linear probing: fit the last layer to the features of the body, whose weights were learned on other images.

Training that starts from a random last layer spends its first epochs on noise, which also disturbs the body. Fitting
the layer first is convex and takes seconds, and going on from there is better than either alone (LP-FT: Kumar et al.,
2022, arXiv 2202.10054).
"""

from __future__ import annotations

import math
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
from ...task import classification_loss, count_correct
from ..class_weights import balanced_weights
from ..hardware.runtime import Runtime
from ..time_budget import Clock
from .body_features import Extractor, Features, Keeping

# Weight decay of the fitted layer, on standardised features: from a layer that hardly learns to one that learns by
# heart. Fitting goes on from one to the next, and stops after so many in a row that did not improve.
STRENGTHS = tuple(10 ** (1 - k / 2) for k in range(15))
PATIENCE = 3
STEPS = 60
# Of the time that is left, what the features of the validation and of the training images and the fit may take at most.
VAL_SHARE, TRAIN_SHARE, FIT_SHARE = 0.3, 0.6, 0.5
# Without validation images, one of so many training images is held out to choose the strength.
HELD_OUT = 5
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
) -> LinearProbe | None:
    """Fit the network's last layer, in place, to the features of `train`; None if it has none that can be fitted.

    The strength of its weight decay is the one with the smallest loss on `val`. With `mirrored`, mirror images are used
    too; `balanced` weighs the classes by the inverse of their number of images. If `clock` has a time budget, there are
    as many images as it allows. `whole` asks for the layer that learns from `val`, too, with that strength. The network
    must be on the device and in the layout of `runtime`.
    """
    started, clock = time.perf_counter(), clock or Clock()
    layer, extract = last_layer(network, preprocess, runtime)
    if layer is None or extract is None:
        return None
    extractor = Extractor(extract, preprocess, runtime, layer.in_features, keeping or Keeping())
    # Validation images first: without them nothing can be chosen, nor said about the result.
    held_out = None if val is None else extractor.features_of(val, is_over=clock.alarm(VAL_SHARE))
    begun = time.perf_counter()
    parts = [extractor.features_of(train, is_over=clock.alarm(TRAIN_SHARE))]
    taken, left = time.perf_counter() - begun, clock.left()
    if mirrored and len(parts[0][0]) == len(train) and (left is None or taken <= left / 2):
        parts.append(extractor.features_of(train, mirror=True, is_over=clock.alarm(TRAIN_SHARE)))
    learned = _joined(*(part for part, _ in parts))
    if held_out is None:
        fitted = _fit_alone(learned, torch.cat([numbers for _, numbers in parts]), layer, balanced)
    else:
        fitted = fit_layer(learned, held_out[0], layer, balanced, is_over=clock.alarm(FIT_SHARE))
    strength, weight, bias = fitted
    _set_layer(layer, weight, bias)
    validation = state = None
    if val is not None and held_out is not None:
        logits = F.linear(held_out[0].values, weight, bias).float().cpu()
        validation = evaluation_of(network, val.take(held_out[1]), logits, list(class_names))
        if whole and len(held_out[1]) + len(parts[0][0]) == len(val) + len(train):
            views = [held_out[0], *(extractor.features_of(val, mirror=True)[0] for _ in parts[1:])]
            state = _fitted_to_all(network, layer, _joined(learned, *views), strength, balanced)
    figures, seconds = _figures(learned, weight, bias), time.perf_counter() - started
    return LinearProbe(strength, *figures, len(learned), seconds, len(parts[0][0]), validation, state)


def _joined(*features: Features) -> Features:
    return Features(torch.cat([each.values for each in features]), torch.cat([each.labels for each in features]))


def _fit_alone(features: Features, numbers: Tensor, layer: nn.Linear, balanced: bool) -> tuple[float, Tensor, Tensor]:
    """Fit a layer without validation images: some of the images, by their `numbers`, choose the strength."""
    chosen = fit_layer(features[numbers % HELD_OUT != 0], features[numbers % HELD_OUT == 0], layer, balanced)
    return fit_layer(features, None, layer, balanced, tuple(s for s in STRENGTHS if s >= chosen[0]))


@torch.no_grad()
def _set_layer(layer: nn.Linear, weight: Tensor, bias: Tensor) -> None:
    layer.weight.copy_(weight)
    if layer.bias is not None:
        layer.bias.copy_(bias)


def _fitted_to_all(
    network: nn.Module, layer: nn.Linear, features: Features, strength: float, balanced: bool
) -> dict[str, Tensor]:
    """Return the network's state with its last layer fitted to these features with a strength."""
    _, weight, bias = fit_layer(features, None, layer, balanced, tuple(s for s in STRENGTHS if s >= strength))
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


def fit_layer(
    train: Features,
    val: Features | None,
    layer: nn.Linear,
    balanced: bool,
    strengths: tuple[float, ...] = (),
    is_over: Callable[[], bool] | None = None,
) -> tuple[float, Tensor, Tensor]:
    """Return strength, weight and bias with the smallest loss on `val`; without it, those of the last strength.

    Fewer strengths are tried if `is_over` says that time is over.
    """
    shift = train.values.mean(0) if layer.bias is not None else torch.zeros_like(train.values[0])
    scale = train.values.std(0, unbiased=False).clamp_min(1e-6)
    standard = Features((train.values - shift) / scale, train.labels)
    weights = balanced_weights(train.labels, layer.out_features) if balanced else None
    weight = torch.zeros(layer.weight.shape, device=shift.device, requires_grad=True)
    bias = torch.zeros(len(weight), device=shift.device, requires_grad=layer.bias is not None)
    best, best_loss, waited = (STRENGTHS[0], weight.detach(), bias.detach()), math.inf, 0
    for strength in strengths or STRENGTHS:
        _minimise(standard, weight, bias, strength, weights)
        scaled = weight.detach() / scale
        found = (strength, scaled, bias.detach() - scaled @ shift)
        loss = _figures(val, *found[1:])[0] if val is not None else -math.inf
        waited = 0 if loss < best_loss or val is None else waited + 1
        if not waited:
            best, best_loss = found, loss
        if waited == PATIENCE or (is_over is not None and is_over()):
            break
    return best


def _minimise(data: Features, weight: Tensor, bias: Tensor, strength: float, weights: Tensor | None) -> None:
    """Change weight and bias to the minimum of the loss with weight decay, by L-BFGS from where they are."""
    optimizer = torch.optim.LBFGS(
        [p for p in (weight, bias) if p.requires_grad],
        max_iter=STEPS, tolerance_grad=1e-5, tolerance_change=1e-7, line_search_fn="strong_wolfe",
    )  # fmt: skip

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = classification_loss(F.linear(data.values, weight, bias), data.labels, weight=weights)
        loss = loss + 0.5 * strength * weight.square().sum() / len(weight)
        loss.backward()
        return loss

    optimizer.step(closure)


@torch.no_grad()
def _figures(data: Features, weight: Tensor, bias: Tensor) -> tuple[float, float]:
    """Return loss and share of right answers of a layer."""
    logits = F.linear(data.values, weight, bias)
    return float(classification_loss(logits, data.labels)), float(count_correct(logits, data.labels)) / len(data.labels)
