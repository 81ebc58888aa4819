"""Class-activation maps: where in the last maps the evidence for a class lies.

Selvaraju, Cogswell, Das, Vedantam, Parikh and Batra, *Grad-CAM: Visual Explanations from Deep Networks via
Gradient-based Localization*, ICCV 2017. In a network that ends with global average pooling and one linear layer it is
the class-activation map of Zhou et al. 2016, divided by the number of pixels of the maps.

Draelos and Carin, *Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional neural networks*, arXiv
2011.08891: the gradient of every place instead of its mean over the map. The two agree where the maps are averaged at
the end. Where they are flattened or their maximum is taken, a mean would spread what one place has said over them all.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..kernels import nearest
from ..tracing.graph import Trace
from ..tracing.trace import trace
from .class_score import difference, watched

# Of small images the last maps have few places, each of which sees nearly all: they say little about where.
POINTING = 7


def grad_cam(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    others: Tensor | None = None,
    layer: str | None = None,
    by_place: bool = False,
) -> Tensor:
    """N x H x W, enlarged bilinearly to the images' size; see `attribute` for the rest. `by_place` is HiResCAM."""
    layer = map_layer(trace(network, images[:1], keep=()), layer)
    found: dict[str, Tensor] = {}

    def observe(name: str, output: Tensor) -> None:
        if name == layer:
            # What follows may work in place (torchvision's ReLU does); a hook's gradient is that of the values here.
            found["maps"] = output.detach().clone()
            output.register_hook(lambda gradient: found.update(gradient=gradient))

    start, logits = watched(network, images, observe)
    torch.autograd.grad(difference(logits, labels, others).sum(), start)
    if "gradient" not in found:
        raise ValueError(f"the answer does not depend on '{layer}': choose another layer")
    weights = found["gradient"] if by_place else found["gradient"].mean((2, 3), keepdim=True)
    heat = (weights * found["maps"]).sum(1, keepdim=True)
    if others is None:
        heat = heat.relu()
    return F.interpolate(heat, images.shape[2:], mode="bilinear", align_corners=False)[:, 0]


def map_layer(found: Trace, layer: str | None = None) -> str:
    """The layer that a class-activation map is made from: the last one whose maps can point at something.

    That is 7 x 7 places or more, as at the end of the networks for 224 pixels, behind norm and activation; where there
    are none, more than one place.
    With `layer` it is that one, if it gives maps; ValueError names what could be meant.
    """
    names = [node.name for node in found.nodes if len(node.shape) == 3 and node.kind != "input"]
    if layer is not None:
        if layer in names:
            return layer
        if any(node.name == layer for node in found.nodes):
            raise ValueError(f"'{layer}' gives no maps: choose one of {', '.join(names[-6:]) or 'another network'}")
        raise ValueError(f"unknown layer '{layer}': {nearest(layer, names)}")
    sizes = {name: found.node(name).shape[1:] for name in names}
    fine = [name for name in names if min(sizes[name]) >= POINTING and found.node(name).kind != "conv"]
    large = fine or [name for name in names if math.prod(sizes[name]) > 1]
    if not large:
        raise ValueError("no layer of this network gives maps: choose another method, such as saliency")
    return large[-1]
