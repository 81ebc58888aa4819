"""Networks as people type them: each gets an input that it takes, and gives logits."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import convscope as cs
from convscope.models import create_model, own_card


class Tiny(nn.Module):
    """Flattens with `view`, for images of 28 pixels only."""

    def __init__(self, num_classes: int = 10):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 5, stride=2)
        self.fc = nn.Linear(4 * 12 * 12, num_classes)

    def forward(self, x):
        x = F.relu(self.conv(x))
        return self.fc(x.view(x.size(0), -1))


class Wide(Tiny):
    """Regroups rows instead of failing, where its input has the wrong size."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(1, 16, 5, stride=6), nn.Linear(400, 10)

    def forward(self, x):
        return self.fc(self.conv(x).view(-1, 400))


class Soft(Tiny):
    def forward(self, x):
        return F.softmax(super().forward(x), dim=1)


class Both(Tiny):
    def forward(self, x):
        logits = super().forward(x)
        return F.softmax(logits, dim=1), logits


class Sigmoid(Tiny):
    def forward(self, x):
        return torch.sigmoid(super().forward(x))


class Dropping(Tiny):
    def forward(self, x):
        return F.dropout(super().forward(x), 0.5)


ROWS = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 5))


@pytest.mark.parametrize("model, size", [(Tiny, (1, 28, 28)), (Wide, (1, 32, 32)), (ROWS, (3, 8, 8))])
def test_the_input_is_found_by_trying(model, size):
    card = own_card(model)
    assert card.input_size == size and card.fixed_channels == size[0]
    assert create_model(card)(torch.rand(2, *size)).shape[0] == 2


@pytest.mark.parametrize("made", [Soft, Both, Sigmoid])
def test_what_a_network_returns_is_read_as_logits(made):
    torch.manual_seed(0)
    given = made(3).eval()
    network = create_model(own_card(given), num_classes=3).eval()
    images = torch.rand(4, 1, 28, 28)
    logits = Tiny.forward(given, images)
    assert torch.allclose(network(images).softmax(1), logits.softmax(1), atol=1e-6)
    assert isinstance(given(images), tuple) or not torch.allclose(given(images), logits)  # it is left as it was


def test_log_probabilities_need_nothing():
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 3), nn.LogSoftmax(dim=1))
    built = create_model(own_card(network))
    images = torch.rand(2, 1, 4, 4)
    assert torch.equal(built(images), network(images))


@pytest.mark.parametrize(
    "made, word", [(Soft, "softmax"), (Sigmoid, "sigmoid"), (Both, "number 2"), (Dropping, "F.drop")]
)
def test_what_was_found_is_said(made, word):
    card = own_card(made)
    create_model(card, num_classes=3)
    assert word in " ".join(card.build.notes)  # type: ignore[attr-defined]


def test_numbers_are_given_by_the_names_of_the_signature():
    def make(n_classes, in_chans=3, width=4):
        return nn.Sequential(
            nn.Conv2d(in_chans, width, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, n_classes)
        )

    card = own_card(make)
    network = create_model(card, num_classes=7, in_channels=1, width=4)
    assert card.fixed_channels is None and network(torch.rand(2, 1, 9, 9)).shape == (2, 7)


def test_images_in_either_memory_layout_are_taken():
    network = create_model(own_card(Tiny))
    images = torch.rand(2, 28, 28, 1).permute(0, 3, 1, 2)
    assert network(images).shape == (2, 10)


@pytest.mark.parametrize(
    "model, arguments, message",
    [
        (Tiny(10), {"num_classes": 2}, "has 10 outputs, but there are 2 classes"),
        (nn.Sequential(nn.Conv2d(3, 4, 3)), {}, "not one number per class"),
        (nn.Sequential(nn.Flatten(), nn.Linear(7, 2)), {}, "no square image"),
        (lambda hidden: nn.Linear(hidden, 2), {}, "needs a value for hidden"),
        (lambda: 3, {}, "makes a int"),
    ],
)
def test_what_is_no_classifier_is_refused_in_one_line(model, arguments, message):
    with pytest.raises(cs.UsageError, match=message) as caught:
        create_model(own_card(model), **arguments)
    assert "\n" not in str(caught.value)


class Waiting(nn.Module):
    """All of it waits for a first image, also the statistics of its norm."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.fc = nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.LazyLinear(10)

    def forward(self, x):
        return self.fc(self.norm(self.conv(x)).flatten(1))


class OlderNorm(Tiny):
    """Its weights are computed from others by a hook, and it keeps a map of its last image."""

    def __init__(self):
        super().__init__()
        nn.utils.weight_norm(self.conv)

    def forward(self, x):
        self.kept = self.conv(x)
        return self.fc(F.relu(self.kept).view(x.size(0), -1))


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("network", [Waiting, OlderNorm])
def test_networks_that_torch_does_not_copy_are_built_and_looked_into(network):
    made = network()
    if network is OlderNorm:
        made(torch.zeros(1, 1, 28, 28))  # keeps a map, with its gradient
    size = own_card(made).input_size
    classifier = cs.Classifier(made)
    assert classifier.preprocess.input_size == size and len(classifier.class_names) == 10
    assert cs.summary(network()).input_size == size
    built = own_card(network).build(num_classes=10, in_channels=size[0]).eval()
    assert built(torch.zeros(2, *size)).shape == (2, 10)


def test_images_that_lie_as_a_network_needs_them_are_not_copied():
    network = cs.Classifier(Tiny()).network.eval()
    image = torch.rand(3, 1, 28, 28)
    layers = [node.name for node in cs.insight.trace(network, image).nodes]
    assert layers == ["input", "conv", "relu", "view", "fc"]
    others = torch.empty(3, 28, 28, 1).permute(0, 3, 1, 2).copy_(image)
    assert torch.allclose(network(others), network(image), atol=1e-6)
