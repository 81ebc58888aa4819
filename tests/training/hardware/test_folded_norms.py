"""Folded batch norms change neither outputs nor gradients, and only where nothing else sees what they norm."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from convscope.models import create_model
from convscope.training.hardware.depthwise import with_quick_gradients
from convscope.training.hardware.folded_norms import find_pairs, with_folded_norms


def wake(network):
    """Draw statistics and factors, so that a norm that is left out or taken twice is seen."""
    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values, low in ((module.running_mean, -0.5), (module.running_var, 0.5), (module.weight.data, 0.5)):
                values.copy_(torch.rand(values.shape, generator=generator) + low)
    return network


def gradients(forward, network, images):
    network.zero_grad()
    outputs = forward(images)
    outputs.square().mean().backward()
    return [outputs.detach(), *(p.grad for p in network.parameters())]


@pytest.mark.parametrize(("name", "all_of_them"), [("timm:test_efficientnet", True), ("densenet121", False)])
def test_outputs_and_gradients_are_the_same(name, all_of_them):
    torch.manual_seed(0)
    network = wake(create_model(name, num_classes=3)).eval().double()
    images = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    pairs = find_pairs(network, images)
    norms = sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    assert len(pairs) == norms if all_of_them else 0 < len(pairs) < norms
    expected = gradients(network, network, images)
    for ours, theirs in zip(gradients(with_folded_norms(network), network, images), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-9 * float(theirs.abs().max() + 1))


class Twice(nn.Module):
    """What is normed is seen elsewhere too; the second convolution has a norm of its own."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3)
        self.norms = nn.ModuleList([nn.BatchNorm2d(4), nn.BatchNorm2d(4)])

    def forward(self, images):
        a = self.a(images)
        return self.norms[1](self.b(self.norms[0](a) + a)).mean((2, 3))


def test_what_is_seen_elsewhere_is_not_folded():
    network, images = wake(Twice()), torch.randn(3, 1, 9, 9)
    before = [t.clone() for t in network.state_dict().values()]
    pairs = find_pairs(network, images)
    assert list(pairs) == [id(network.b.weight)] and pairs[id(network.b.weight)] is network.norms[1]
    assert network.training and all(
        torch.equal(a, b) for a, b in zip(before, network.state_dict().values(), strict=True)
    )
    # Norms that learn their statistics do so as ever.
    expected = network(images)
    network.load_state_dict(dict(zip(network.state_dict(), before, strict=True)))
    assert torch.equal(with_folded_norms(network)(images), expected)
    assert network.norms[1].num_batches_tracked == 1


def test_together_with_quick_gradients_of_depthwise_convolutions():
    network = wake(nn.Sequential(nn.Conv2d(4, 4, 5, padding=2, groups=4), nn.BatchNorm2d(4), nn.Flatten())).eval()
    images = torch.randn(2, 4, 8, 8)
    expected = gradients(network, network, images)
    found = gradients(with_quick_gradients(network, fold=True), network, images)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)
