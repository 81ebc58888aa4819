"""Measured receptive fields: smaller than the theoretical ones where no gradient passes."""

from __future__ import annotations

import torch
from torch import nn

from convscope.insight import field_of, measured_field, trace


def test_a_maximum_passes_the_gradient_of_one_pixel():
    network = nn.Sequential(nn.MaxPool2d(3))
    images = torch.zeros(1, 1, 9, 9)
    images[..., 4, 5] = 1
    assert measured_field(network, images, "0", 1, 1) == (4, 5, 5, 6)
    assert field_of(trace(network, images), "0", 1, 1) == (3, 3, 6, 6)


def test_a_relu_of_negative_values_passes_nothing():
    assert measured_field(nn.Sequential(nn.ReLU()), -torch.ones(1, 1, 3, 3), "0", 1, 1) == (0, 0, 0, 0)


def test_kernels_that_mirror_each_other_do_not_cancel():
    conv = nn.Conv2d(1, 2, 3, bias=False)
    with torch.no_grad():
        conv.weight[1] = -conv.weight[0]
    assert measured_field(nn.Sequential(conv), torch.zeros(1, 1, 5, 5), "0", 0, 2) == (0, 2, 3, 5)


def test_a_node_that_does_not_depend_on_the_image():
    class Constant(nn.Module):
        def forward(self, x):
            return x.mean((2, 3)) + torch.zeros_like(x).mean((2, 3))

    assert measured_field(Constant(), torch.ones(1, 1, 3, 3), "zeros_like") == (0, 0, 0, 0)
