"""What a network of one's own returns is found by trying it, without keeping the values of its layers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from convscope.models.own import outputs


class OwnGradient(nn.Module):
    """Computes a gradient inside of `forward`, as energy-based models do."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(48, 3)

    def forward(self, images):
        energy = self.linear(images.flatten(1)).square().sum()
        (slope,) = torch.autograd.grad(energy, images, create_graph=True)
        return self.linear(slope.flatten(1))


def test_the_values_of_the_layers_are_not_kept():
    network = nn.Sequential(nn.Flatten(), nn.Linear(48, 20), nn.ReLU(), nn.Linear(20, 3), nn.Softmax(1))
    (answer,) = outputs._answers(network, (3, 4, 4))
    assert answer.grad_fn is not None and answer.grad_fn.name().startswith("Softmax")
    with pytest.raises(outputs._NeededError):
        answer.sum().backward()
    assert outputs.read_logits(network, (3, 4, 4), "own")[0] == 3


def test_a_network_that_computes_gradients_itself_is_taken():
    assert outputs.read_logits(OwnGradient(), (3, 4, 4), "own") == (3, [])
