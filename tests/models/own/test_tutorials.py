"""Networks as tutorials have them, through everything that looks at a network, and through a training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import convscope as cs


class LazyLeNet(nn.Module):
    """Dive into Deep Learning's, whose layers learn the number of their inputs; with a loss of its own signature."""

    def __init__(self, num_classes=10):
        super().__init__()
        self.net = nn.Sequential(
            nn.LazyConv2d(6, kernel_size=5, padding=2), nn.Sigmoid(), nn.AvgPool2d(2), nn.LazyConv2d(16, kernel_size=5),
            nn.Sigmoid(), nn.AvgPool2d(2), nn.Flatten(), nn.LazyLinear(84), nn.Sigmoid(), nn.LazyLinear(num_classes),
        )  # fmt: skip

    def loss(self, batch):
        raise AssertionError("this is a step of another program's training")

    def forward(self, x):
        return self.net(x)


class Viewed(nn.Module):
    """PyTorch's older examples: `view` and log_softmax."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 4, 5), nn.Conv2d(4, 8, 5)
        self.fc = nn.Linear(128, 10)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2(x), 2)).view(-1, 128)
        return F.log_softmax(F.dropout(self.fc(x), training=self.training), dim=1)


class Named(Viewed):
    """Returns its logits by name, behind features that are as many."""

    def forward(self, x):
        logits = super().forward(x)
        return {"features": -logits, "logits": logits}


def test_logits_are_those_that_the_network_calls_so():
    network = Named().eval()
    image = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    with torch.no_grad():
        expected = network(torch.from_numpy(image)[None, None].float() / 255)["logits"].softmax(1)
    assert torch.allclose(cs.Classifier(network).probabilities([image]), expected, atol=1e-6)


def rows():
    """An MLP whose images are flattened in the training loop."""
    return nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10), nn.LogSoftmax(dim=1))


def shrinking():
    """fast.ai's, whose maps end as one pixel of the images that it is for."""
    layers = [nn.Sequential(nn.Conv2d(a, b, 3, 2, 1), nn.ReLU()) for a, b in ((1, 4), (4, 8), (8, 16), (16, 16))]
    return nn.Sequential(*layers, nn.Conv2d(16, 10, 3, 2, 1), nn.Flatten())


GRAY, COLOUR = (1, 28, 28), (3, 32, 32)


@pytest.mark.parametrize(
    ("make", "size", "field"),
    [(LazyLeNet, COLOUR, 16), (Viewed, GRAY, 14), (rows, GRAY, None), (shrinking, GRAY, 63)],
)
def test_it_is_trained_looked_at_and_loaded(tmp_path: Path, make, size, field):
    torch.manual_seed(0)
    run = cs.train("digits", make, epochs=1, batch_size=512, output=tmp_path, show=False)
    assert run.classifier.preprocess.input_size == size and len(run.classifier.class_names) == 10
    image = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    loaded = cs.load(run.folder, make)
    assert torch.equal(loaded.probabilities([image]), run.classifier.probabilities([image]))
    assert cs.explain(loaded, image, methods=["saliency"], output=tmp_path / "explained").page.is_file()
    fresh = make()
    table = cs.summary(fresh)
    assert table.receptive_field == field and table.parameters == cs.summary(loaded).parameters
    assert len(cs.show(make(), image).page) < 2_000_000


@pytest.mark.parametrize("make", [lambda: nn.Linear(9, 1), lambda: nn.Sequential(nn.Linear(9, 1), nn.Flatten(0))])
def test_a_single_output_is_refused_with_advice(make):
    network = nn.Sequential(nn.Flatten(), make(), nn.Sigmoid())
    with pytest.raises(cs.UsageError, match="end it with two"):
        cs.Classifier(network, preprocess=cs.Preprocess((1, 3, 3)))
