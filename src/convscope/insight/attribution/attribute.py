"""Why this answer: how much each pixel of an image speaks for a class, by seven methods.

Gradient methods: saliency (Simonyan, Vedaldi and Zisserman 2014), guided backpropagation (Springenberg et al. 2015),
deconvnet (Zeiler and Fergus 2014), integrated gradients (Sundararajan, Taly and Yan 2017). By the last maps: Grad-CAM
(Selvaraju et al. 2017) and HiResCAM (Draelos and Carin 2020). By trying: occlusion (Zeiler and Fergus 2014).
"""

from __future__ import annotations

from contextlib import nullcontext

import torch
from torch import Tensor, nn

from ..kernels import nearest
from .class_score import Labels, Score, as_labels, differentiating, logits_of, score_of
from .grad_cam import grad_cam
from .relu_backward import ChangedRectifiers

MAP_METHODS = ("grad-cam", "hires-cam")
METHODS = (*MAP_METHODS, "guided-backprop", "integrated-gradients", "saliency", "occlusion", "deconvnet")
# Images that occlusion or integrated gradients send through the network at once.
TOGETHER = 16


def attribute(
    network: nn.Module,
    images: Tensor,
    method: str,
    label: Labels,
    layer: str | None = None,
    versus: Labels | None = None,
    *,
    baseline: float = 0.0,
    steps: int = 50,
    window: int | None = None,
    stride: int | None = None,
) -> Tensor:
    """A heat map for each image: images N x C x H x W -> N x H x W, float32, on their device.

    What is explained is the logit of `label` (an index, or one an image), or with `versus` by how much it exceeds that
    class's. Positive means: speaks for it (for `label` rather than `versus`). Of several channels:

    - grad-cam: the last maps that are fine enough to point (or those of `layer`, a name that `trace` gives), weighted
      by their mean gradient. What speaks against the class is left out, as in the paper; with `versus` it stays, with
      its sign.
    - hires-cam: the same with the gradient of each place instead of its mean, which is right for any ending of a
      network; grad-cam is for those that average their last maps.
    - guided-backprop, deconvnet: the gradient with changed rectifiers, summed over the channels; signed.
    - integrated-gradients: summed over the channels, so that a map sums up to score(image) - score(`baseline`), in
      `steps` steps; signed.
    - saliency: the largest absolute gradient of the channels; never negative.
    - occlusion: by how much the score falls when a square of `window` pixels is painted over with `baseline` (0 is the
      mean colour of normalised images), moved by `stride`; signed; where squares overlap, their mean.

    The network is as it was afterwards: weights, gradients, mode, hooks. Raises ValueError, in one line, for an unknown
    method, layer or label, or a `layer` with a method that has none.
    """
    if method not in METHODS:
        raise ValueError(f"unknown method '{method}': {nearest(method, METHODS)}")
    if layer is not None and method not in MAP_METHODS:
        raise ValueError(f"{method} looks at the input and takes no layer; {' and '.join(MAP_METHODS)} do")
    images = images.detach()
    labels = as_labels(label, images)
    others = None if versus is None else as_labels(versus, images)
    with differentiating(network):
        check_labels(network, images, labels, others)
        if method in MAP_METHODS:
            return grad_cam(network, images, labels, others, layer, by_place=method == "hires-cam")
        score = score_of(network)
        if method == "occlusion":
            return _occlusion(score, images, labels, others, baseline, window, stride)
        if method == "integrated-gradients":
            return _integrated(score, images, labels, others, baseline, steps)
        if method == "saliency":
            return input_gradient(score, images, labels, others).abs().amax(1)
        rule = "guided" if method == "guided-backprop" else "deconvnet"
        return input_gradient(score, images, labels, others, rule).sum(1)


def input_gradient(
    score: Score, images: Tensor, labels: Tensor, others: Tensor | None, rule: str | None = None
) -> Tensor:
    """The gradient of the score at the pixels, N x C x H x W, back through rectifiers changed by `rule`."""
    leaf = images.clone().requires_grad_()
    with ChangedRectifiers(rule) if rule else nullcontext():
        value = score(leaf, labels, others).sum()
    return torch.autograd.grad(value, leaf)[0]


def check_labels(network: nn.Module, images: Tensor, labels: Tensor, others: Tensor | None) -> None:
    """ValueError for a label that the network has no logit for."""
    with torch.no_grad():
        classes = logits_of(network(images[:1].clone())).shape[1]
    for given in (labels, others):
        if given is not None and len(given) and not 0 <= int(given.min()) <= int(given.max()) < classes:
            wrong = int(given.max() if given.max() >= classes else given.min())
            raise ValueError(f"no class {wrong}: this network has {classes}, counted from 0")


def _integrated(
    score: Score, images: Tensor, labels: Tensor, others: Tensor | None, baseline: float, steps: int
) -> Tensor:
    from captum.attr import IntegratedGradients  # it imports for two seconds

    found = IntegratedGradients(score).attribute(
        images,
        baselines=baseline,
        additional_forward_args=(labels, others),
        n_steps=steps,
        internal_batch_size=max(TOGETHER, len(images)),  # at least one step of every image
    )
    return found.sum(1).to(images.dtype).detach()


def _occlusion(
    score: Score,
    images: Tensor,
    labels: Tensor,
    others: Tensor | None,
    baseline: float,
    window: int | None,
    stride: int | None,
) -> Tensor:
    from captum.attr import Occlusion

    side = min(images.shape[2:])
    window = min(window or max(round(side / 6), 1), side)
    stride = min(stride or max(window // 2, 1), window)
    with torch.no_grad():
        found = Occlusion(score).attribute(
            images,
            sliding_window_shapes=(images.shape[1], window, window),
            strides=(images.shape[1], stride, stride),
            baselines=baseline,
            additional_forward_args=(labels, others),
            perturbations_per_eval=TOGETHER,
        )
    # A square covers all channels at once, so that they all hold the same number.
    return found[:, 0].to(images.dtype)
