"""The quick way back of depthwise convolutions has autograd's gradients."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from convscope.training.hardware import depthwise
from convscope.training.hardware.depthwise import with_quick_gradients


def gradients(forward, network, images, low):
    images = images.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=low):
        outputs = forward(images).float()
    outputs.square().mean().backward()
    return [outputs.detach(), images.grad, *(p.grad for p in network.parameters())]


@pytest.mark.parametrize("low", [False, True])
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(5, 1, 2), (5, 2, 2), (3, 2, 1), (7, 1, 3), ((3, 5), 1, 0)])
def test_gradients_are_those_of_autograd(kernel, stride, padding, low, monkeypatch):
    torch.manual_seed(0)
    layer = nn.Conv2d(8, 8, kernel, stride, padding, groups=8)
    network = nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU6(), layer, nn.ReLU6(), nn.Conv2d(8, 4, 1))
    network, images = network.to(memory_format=torch.channels_last), torch.randn(4, 3, 13, 12)
    exact = gradients(copy.deepcopy(network), network, images, False)[:2]
    plain = copy.deepcopy(network)
    expected = gradients(plain, plain, images, low)
    used = []
    ways = depthwise._gradients
    monkeypatch.setattr(depthwise, "_gradients", lambda *args, **more: used.append(1) or ways(*args, **more))
    found = gradients(with_quick_gradients(network), network, images, low)
    assert bool(used) == (low or (kernel in (5, (3, 5)) and stride == 1))
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=2e-2 * float(theirs.abs().max()) if low else 1e-6, rtol=1e-4)
    torch.testing.assert_close(found[0], exact[0], atol=5e-2, rtol=5e-2)


def test_other_convolutions_are_left_alone():
    grouped = nn.Sequential(nn.Conv2d(4, 8, 5, groups=2))
    assert with_quick_gradients(grouped) is grouped
    network = nn.Sequential(nn.Conv2d(4, 8, 5, groups=4), nn.Conv2d(8, 8, 5, padding="same", groups=8))
    images = torch.randn(2, 4, 9, 9)
    assert torch.equal(with_quick_gradients(network)(images), network(images))
