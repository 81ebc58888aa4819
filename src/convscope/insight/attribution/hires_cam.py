"""HiResCAM: the maps of a late layer, each position weighted by the gradient of the score there.

Draelos and Carin, *Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional neural networks*, arXiv
2011.08891. It is Grad-CAM where the maps are averaged at the end. Where they are flattened or their maximum is taken,
Grad-CAM's mean spreads over the whole map what one position contributed.
"""

from __future__ import annotations

from torch import Tensor, nn

from .class_activation import as_heat_map, maps_and_gradient
from .class_score import Target


def hires_cam(network: nn.Module, images: Tensor, target: Target, layer: str | None = None) -> Tensor:
    """Return the heat maps of images N x C x H x W: N x H x W; see `attribute`."""
    maps, gradient = maps_and_gradient(network, images, target, layer)
    return as_heat_map(maps * gradient, images, target)
