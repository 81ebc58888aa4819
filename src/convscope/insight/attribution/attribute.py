"""Explain an answer: how much each pixel of an image speaks for a class, by one of seven methods.

By gradients: saliency, guided backpropagation, deconvnet, integrated gradients. By the last maps: Grad-CAM, HiResCAM.
By covering parts of the image: occlusion.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...suggest import did_you_mean
from ..tracing.trace import fitting
from ..tracing.unwrapped import uncompiled, unwrapped
from .class_score import Labels, Target, as_labels, check_target, differentiating, score_of
from .deconvnet import deconvnet
from .grad_cam import grad_cam
from .guided_backpropagation import guided_backpropagation
from .hires_cam import hires_cam
from .integrated_gradients import integrated_gradients
from .occlusion import occlusion
from .saliency import saliency

_BY_MAPS = {"grad-cam": grad_cam, "hires-cam": hires_cam}
_BY_GRADIENT = {"guided-backprop": guided_backpropagation, "saliency": saliency, "deconvnet": deconvnet}
MAP_METHODS = tuple(_BY_MAPS)
METHODS = (*MAP_METHODS, "guided-backprop", "integrated-gradients", "saliency", "occlusion", "deconvnet")


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
    """Return a heat map for each image: images N x C x H x W -> N x H x W, float32, on their device.

    The logit of `label` (an index, or one per image) is explained, or with `versus` by how much it exceeds the logit of
    that class. Positive values speak for `label`. Sign, settings and the way to combine channels depend on the method:

    - grad-cam: the last maps that are fine enough to point (or those of `layer`, a name that `trace` gives), weighted
      by their mean gradient. What speaks against the class is left out, as in the paper; with `versus` it stays, with
      its sign.
    - hires-cam: the same with the gradient of each position instead of its mean, which is right for any ending of a
      network; grad-cam is for those that average their last maps.
    - guided-backprop, deconvnet: the gradient with another backward pass of ReLU, summed over the channels; signed.
    - integrated-gradients: summed over the channels, so that a map sums up to score(image) - score(`baseline`), in
      `steps` steps; signed.
    - saliency: the largest absolute gradient of the channels; never negative.
    - occlusion: by how much the score falls when a square of `window` pixels is filled with `baseline` (0 is the mean
      colour of normalised images), moved by `stride`; signed; where squares overlap, their mean.

    Weights, gradients, mode and hooks of the network stay as they are. ValueError, in one line, for an unknown method,
    layer or label, or a `layer` with a method that has none.
    """
    _check_method(method, layer)
    given, network = images, unwrapped(network)
    _check_images(network, images)
    images = fitting(images, network)
    target = Target(as_labels(label, images), None if versus is None else as_labels(versus, images))
    with uncompiled(network), differentiating(network):
        check_target(network, images, target)
        score = score_of(network)
        if method in _BY_MAPS:
            heat = _BY_MAPS[method](network, images, target, layer)
        elif method in _BY_GRADIENT:
            heat = _BY_GRADIENT[method](score, images, target)
        elif method == "occlusion":
            heat = occlusion(score, images, target, baseline, window, stride)
        else:
            heat = integrated_gradients(score, images, target, baseline, steps)
    return heat.to(given.device, torch.float32)


def _check_method(method: str, layer: str | None) -> None:
    """Raise ValueError for an unknown method, and for a layer with one that takes none."""
    if method not in METHODS:
        hint = did_you_mean(method, METHODS, f"choose one of {', '.join(METHODS)}", cutoff=0.4)
        raise ValueError(f"unknown method '{method}': {hint}")
    if layer is not None and method not in MAP_METHODS:
        raise ValueError(f"{method} takes no layer: leave it out, or choose {' or '.join(MAP_METHODS)}")


def _check_images(network: nn.Module, images: object) -> None:
    """Raise ValueError for what is no batch of images, and for a network without numbers."""
    if not isinstance(images, Tensor):
        raise ValueError("attribution explains one tensor of images: wrap a network of several inputs in one of one")
    if images.ndim != 4:
        shape = " x ".join(map(str, images.shape))
        raise ValueError(f"attribution takes images, N x C x H x W, not {shape}: wrap the network so that it does")
    if images.is_meta or any(weight.is_meta for weight in network.parameters()):
        raise ValueError("attribution needs numbers: the network or the images are on the meta device")
