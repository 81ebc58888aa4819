"""HiResCAM against Grad-CAM and a network worked out by hand."""

from __future__ import annotations

import torch
from torch import nn

from convscope.insight import attribute


def test_hires_cam_is_grad_cam_where_maps_are_averaged(images):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 3))
    hires, grad = (attribute(network, images, method, 2) for method in ("hires-cam", "grad-cam"))
    torch.testing.assert_close(hires, grad)


def test_hires_cam_points_at_what_a_maximum_has_chosen():
    """Two spots, of which the brighter one alone is the answer: a mean gradient would light up both."""
    network = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(1, 2))
    with torch.no_grad():
        network[0].weight.fill_(1.0)
        network[3].weight.copy_(torch.tensor([[0.0], [2.0]]))
    images = torch.zeros(1, 1, 8, 8)
    images[0, 0, 1, 2], images[0, 0, 6, 5] = 3.0, 4.0
    heat = attribute(network, images, "hires-cam", 1)
    expected = torch.zeros(1, 8, 8)
    expected[0, 6, 5] = 4.0 * 2.0
    torch.testing.assert_close(heat, expected)
    assert attribute(network, images, "grad-cam", 1)[0, 1, 2] > 0
