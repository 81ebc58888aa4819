"""Grad-CAM: the maps of a late layer, each weighted by the mean gradient of the score over it.

Selvaraju, Cogswell, Das, Vedantam, Parikh and Batra, *Grad-CAM: Visual Explanations from Deep Networks via
Gradient-based Localization*, ICCV 2017. In a network that ends with global average pooling and one linear layer it is
the class-activation map of Zhou et al. 2016, divided by the number of pixels of the maps.
"""

from __future__ import annotations

from torch import Tensor, nn

from .class_activation import as_heat_map, maps_and_gradient
from .class_score import Target


def grad_cam(network: nn.Module, images: Tensor, target: Target, layer: str | None = None) -> Tensor:
    """Return the heat maps of images N x C x H x W: N x H x W; see `attribute`."""
    maps, gradient = maps_and_gradient(network, images, target, layer)
    return as_heat_map(maps * gradient.mean((2, 3), keepdim=True), images, target)
