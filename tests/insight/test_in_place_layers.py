"""A public network whose ReLUs work in place, through everything that needs gradients."""

from __future__ import annotations

import torch
import torchvision

from convscope.insight import (
    channel_statistics,
    deconvolve,
    gradients,
    maximise,
)

from .hooks import hooks_of


def test_resnet18_with_in_place_relus():
    network = torchvision.models.resnet18()
    images = torch.rand(2, 3, 64, 64)
    found = gradients(network, images, [1, 2])
    assert len(found) == 70 and all(g.abs().sum() > 0 for g in found.values())
    assert deconvolve(network, images, "layer2.0.relu#2", 5).shape == images.shape
    assert maximise(network, "layer1.0.conv1", 0, (3, 64, 64), steps=2).shape == (1, 3, 64, 64)
    assert channel_statistics(network, [images])["relu"].zeros > 0.1
    assert hooks_of(network) == 0 and all(module.training for module in network.modules())
