"""Grad-CAM against Captum, class-activation maps and a comparison of two classes."""

from __future__ import annotations

import captum.attr
import torch
import torch.nn.functional as F
from torch import nn

from convscope.insight import attribute

from .networks import Plain


def test_grad_cam_is_captums(own, images):
    ours = attribute(own, images, "grad-cam", 1, layer="one")
    maps = captum.attr.LayerGradCam(Plain(own).eval(), own.one).attribute(images, target=1, relu_attributions=True)
    torch.testing.assert_close(ours, maps[:, 0])  # `one` has the size of the image


def test_grad_cam_with_global_pooling_is_the_class_activation_map(images):
    """Zhou 2016: the weights of the class times the maps; the gradient of the mean adds 1 / pixels."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    network.append(nn.Linear(5, 3))
    maps = network[:2](images).detach()
    activation = torch.einsum("c,nchw->nhw", network[4].weight[2].detach(), maps).relu() / (14 * 14)
    expected = F.interpolate(activation[:, None], (16, 16), mode="bilinear")[:, 0]
    torch.testing.assert_close(attribute(network, images, "grad-cam", 2), expected)
