"""Linear probing: fit the last layer to the features of the body, whose weights were learned on other images.

Training that starts from a random last layer spends its first epochs on noise, which also disturbs the body. Fitting
the layer first is convex and takes seconds, and going on from there is better than either alone (LP-FT: Kumar et al.,
2022, arXiv 2202.10054).
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..data.batches import in_order
from ..data.decoded import Decoded
from ..data.preprocess import Preprocess
from ..models.tools.head import find_head
from ..models.tools.layer_features import PENULTIMATE, LayerFeatures
from ..nested import tensors_in
from ..task import classification_loss, count_correct
from .class_weights import balanced_weights
from .folded_norms import find_pairs, folded
from .runtime import Runtime

# Weight decay of the fitted layer, on standardised features: from a layer that hardly learns to one that learns by
# heart. Fitting goes on from one to the next, and stops after so many in a row that did not improve.
STRENGTHS = tuple(10 ** (1 - k / 2) for k in range(15))
PATIENCE = 3
STEPS = 60
BATCH = 64
# Without validation images, one of so many training images is held out to choose the strength.
HELD_OUT = 5
# Largest difference between the network's outputs and those of its last layer alone, in units of the largest output.
SAME = 0.02


@dataclass(frozen=True)
class LinearProbe:
    """A fitted last layer: the strength of its weight decay; loss and share of right answers on the training images.

    `images` is the number of images that went through the body, mirror images included, `seconds` the time of it all.
    """

    strength: float
    loss: float
    correct: float
    images: int
    seconds: float


def is_probe(row: Mapping[str, float]) -> bool:
    """Return whether a row of metrics.csv is that of a fitted last layer, before the first epoch."""
    return row["epoch"] == 0


class Features:
    """Features N x width of images, and their labels."""

    def __init__(self, values: Tensor, labels: Tensor):
        self.values, self.labels = values, labels

    def __getitem__(self, chosen: Tensor) -> Features:
        return Features(self.values[chosen], self.labels[chosen])


def fit_linear_probe(
    network: nn.Module,
    preprocess: Preprocess,
    runtime: Runtime,
    train: Decoded,
    val: Decoded | None = None,
    *,
    mirrored: bool = False,
    balanced: bool = False,
    seconds: float | None = None,
) -> LinearProbe | None:
    """Fit the network's last layer, in place, to the features of `train`; None if it has none that can be fitted.

    The strength of its weight decay is the one with the smallest loss on `val`. With `mirrored`, mirror images are used
    too, unless the `seconds` that there are would be half gone; `balanced` weighs the classes by the inverse of their
    number of images. The network must be on the device and in the layout of `runtime`.
    """
    started = time.perf_counter()
    layer, extract = last_layer(network, preprocess, runtime)
    if layer is None or extract is None:
        return None
    parts = [features_of(extract, train, preprocess, runtime)]
    taken = time.perf_counter() - started
    if mirrored and (seconds is None or taken * (2 + len(val or ()) / len(train)) <= seconds / 2):
        parts.append(features_of(extract, train, preprocess, runtime, mirror=True))
    learned = Features(torch.cat([part.values for part in parts]), torch.cat([part.labels for part in parts]))
    if val is None:
        position = torch.arange(len(train)).repeat(len(parts))
        chosen = fit_layer(learned[position % HELD_OUT != 0], learned[position % HELD_OUT == 0], layer, balanced)
        strengths: tuple[float, ...] = tuple(s for s in STRENGTHS if s >= chosen[0])
        fitted = fit_layer(learned, None, layer, balanced, strengths)
    else:
        fitted = fit_layer(learned, features_of(extract, val, preprocess, runtime), layer, balanced)
    strength, weight, bias = fitted
    with torch.no_grad():
        layer.weight.copy_(weight)
        if layer.bias is not None:
            layer.bias.copy_(bias)
    return LinearProbe(strength, *_figures(learned, weight, bias), len(learned.labels), time.perf_counter() - started)


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


@torch.no_grad()
def features_of(
    extract: LayerFeatures, decoded: Decoded, preprocess: Preprocess, runtime: Runtime, mirror: bool = False
) -> Features:
    """Return the features of a split's images, or of their mirror images."""

    def batches() -> Iterator[Tensor]:
        for images, _ in in_order(decoded, preprocess, runtime.device, BATCH):
            with runtime.autocast():
                yield extract(runtime.lay_out(images.flip(-1) if mirror else images)).float()

    blank = runtime.lay_out(torch.zeros(2, *preprocess.input_size, device=runtime.device))
    with folded(find_pairs(extract.network, blank)):
        return Features(torch.cat(list(batches())), decoded.labels.to(runtime.device))


def fit_layer(
    train: Features,
    val: Features | None,
    layer: nn.Linear,
    balanced: bool,
    strengths: tuple[float, ...] = STRENGTHS,
) -> tuple[float, Tensor, Tensor]:
    """Return strength, weight and bias with the smallest loss on `val`; without it, those of the last strength."""
    shift = train.values.mean(0) if layer.bias is not None else torch.zeros_like(train.values[0])
    scale = train.values.std(0, unbiased=False).clamp_min(1e-6)
    standard = Features((train.values - shift) / scale, train.labels)
    weights = balanced_weights(train.labels, layer.out_features) if balanced else None
    weight = torch.zeros(layer.weight.shape, device=shift.device, requires_grad=True)
    bias = torch.zeros(len(weight), device=shift.device, requires_grad=layer.bias is not None)
    best, best_loss, waited = (strengths[0], weight.detach(), bias.detach()), math.inf, 0
    for strength in strengths:
        _minimise(standard, weight, bias, strength, weights)
        scaled = weight.detach() / scale
        found = (strength, scaled, bias.detach() - scaled @ shift)
        loss = _figures(val, *found[1:])[0] if val is not None else -math.inf
        waited = 0 if loss < best_loss or val is None else waited + 1
        if not waited:
            best, best_loss = found, loss
        elif waited == PATIENCE:
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
