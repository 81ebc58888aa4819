"""What a network of one's own returns is found by trying it, without keeping the values of its layers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from convscope.models.own import outputs
from convscope.opening import open_target
from convscope.target import Target


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


CODE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.out = nn.Conv2d(3, 4, 3), nn.Linear(4, 3)
    def forward(self, x):
        maps = self.conv(x).mean((2, 3))
        return RETURNED
"""


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ('{"features": maps, "logits": self.out(maps)}', "returns 2 tensors: number 1 is taken for the class scores"),
        ("self.out(maps), maps", "returns 2 tensors: number 1 is taken for the class scores"),
        ("self.out(maps * 2) if maps.sum() > 0 else self.out(maps)", ""),  # does not run on shapes alone
    ],
)
def test_a_network_of_a_file_is_opened_whatever_it_returns(returned, said, tmp_path, caplog):
    file = tmp_path / "net.py"
    file.write_text(CODE.replace("RETURNED", returned))
    opened = open_target(Target(f"{file}:Net", img_size=32))
    assert len(opened.classifier.class_names) == 3
    assert caplog.text.count("is taken for the class scores") == bool(said) and said in caplog.text
