"""What the table of layers says of each layer, against a count by hand."""

from __future__ import annotations

import torch
from torch import nn

from convscope.insight import trace
from convscope.serving.layer_health import layer_health


def test_dead_saturated_and_broken_layers_are_counted():
    network = nn.Sequential(nn.Conv2d(1, 3, 1), nn.ReLU(), nn.Flatten(), nn.Linear(12, 4), nn.Tanh(), nn.Sigmoid())
    with torch.no_grad():
        network[0].weight[:] = torch.tensor([1.0, -1.0, float("nan")]).view(3, 1, 1, 1)
        network[0].bias.zero_()
        network[3].weight.zero_()
        network[3].bias[:] = torch.tensor([0.0, 9.0, -9.0, 1.0])
    images = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    layers = layer_health(trace(network, images))
    by_layer = {row.pop("layer"): row for row in layers}
    assert by_layer["1"] == {"channels": 3, "dead": 1, "not_finite": 4, "saturated": None}
    assert by_layer["2"]["dead"] == 4 and by_layer["2"]["channels"] == 12
    network[3] = nn.Linear(12, 4)
    with torch.no_grad():
        network[0].weight[2] = 1
        network[3].weight.zero_()
        network[3].bias[:] = torch.tensor([0.0, 9.0, -9.0, 1.0])
    rows = {row["layer"]: row for row in layer_health(trace(network, images))}
    assert rows["4"]["saturated"] == 0.5 and rows["5"]["saturated"] == 0
    assert rows["4"]["dead"] == 1 and rows["3"]["not_finite"] == 0
