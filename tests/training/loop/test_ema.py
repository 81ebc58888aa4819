"""The exponential moving average of the weights follows its formula, and its norms are measured anew."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from convscope.training.loop.ema import STEPS_PER_UPDATE, moving_average, renew_norms


@pytest.mark.parametrize("decay", [0.5, 0.99])
def test_the_average_follows_its_formula(decay):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    average = moving_average(network, decay)
    expected = network[0].weight.detach().clone()
    for update in range(1, 40):
        with torch.no_grad():
            network[0].weight.add_(torch.randn(2, 3))
            network[1].running_mean.add_(1)
        average.update_parameters(network)
        if update == 1:
            expected = network[0].weight.detach().clone()  # nothing of the random first weights
        else:
            count = update - 1
            kept = min(decay**STEPS_PER_UPDATE, (1 + count) / (10 + count))
            expected = kept * expected + (1 - kept) * network[0].weight.detach()
    torch.testing.assert_close(average.module[0].weight, expected)
    assert torch.equal(average.module[1].running_mean, network[1].running_mean)
    assert moving_average(network, 0.0) is None


def test_norms_are_measured_on_the_images_as_they_are():
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3)).eval()
    network[1].running_mean.fill_(9)
    images = torch.randn(512, 1, 8, 8, generator=torch.Generator().manual_seed(0)) + 2
    renew_norms(network, images)
    maps = network[0](images).transpose(0, 1).flatten(1)
    torch.testing.assert_close(network[1].running_mean, maps.mean(1), rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(network[1].running_var, maps.var(1), rtol=2e-2, atol=1e-4)
    assert not network.training and network[1].momentum == 0.1
