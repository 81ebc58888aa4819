"""The calculations: each returns named figures for a seed. A plan in YAML says what is claimed and expected of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import convscope as cs
from convscope.insight.layer_gradients import gradients
from convscope.insight.receptive_field import measured_field
from convscope.models import shapes_alone
from convscope.models.resnet import PlainBlock
from convscope.training.poor_results import dead_share
from experiments.networks import Small

Figures = dict[str, float]
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU, "leaky": nn.LeakyReLU,
}  # fmt: skip


def weight_counts(seed: int) -> Figures:
    """Return the weights of the layers that the tutorials compare; none of them is allocated."""
    full = nn.Linear(100 * 100, 100 * 100, bias=False, device="meta")
    million = nn.Linear(1000 * 1000, 10**6, bias=False, device="meta")
    kernel = nn.Conv2d(1, 1, 3, padding=1, bias=False, device="meta")
    return {name: float(layer.weight.numel()) for name, layer in
            (("linear-100x100", full), ("kernel-3x3", kernel), ("linear-1000x1000", million))}  # fmt: skip


def identity_blocks(seed: int) -> Figures:
    """Train plain-20 for a few steps, put 18 identity blocks between its blocks, and compare the outputs."""
    images, labels = _digits()
    shallow, deep = cs.create_model("plain20", in_channels=1), cs.create_model("plain56", in_channels=1)
    _train(shallow, images, labels, steps=60, rate=0.05)
    images, labels = images[:300], labels[:300]
    deep.load_state_dict(shallow.state_dict(), strict=False)
    for stage, of_shallow in ((deep.layer1, 3), (deep.layer2, 3), (deep.layer3, 3)):
        for block in list(stage)[of_shallow:]:
            _make_identity(block)
    with torch.no_grad():
        first, second = shallow.eval()(images), deep.eval()(images)
    right = [float((answers.argmax(1) == labels).float().mean()) for answers in (first, second)]
    largest = float((first - second).abs().max() / first.abs().max())
    return {"accuracy-plain20": right[0], "accuracy-plain56": right[1], "difference": largest, "rounding": 1e-4}


def _make_identity(block: PlainBlock) -> None:
    """Let both convolutions copy their input, which is not negative, so that the ReLUs leave it alone."""
    for convolution, norm in ((block.conv1, block.bn1), (block.conv2, block.bn2)):
        nn.init.dirac_(convolution.weight)
        norm.reset_running_stats()
        nn.init.constant_(norm.weight, math.sqrt(1 + norm.eps))
        nn.init.zeros_(norm.bias)


def variance_by_depth(seed: int) -> Figures:
    """Return the logarithm (base 10) of how much the deviation of activations changes over 30 layers with ReLU."""
    figures = {}
    for name in ("kaiming", "xavier", "normal"):
        layers = [nn.Linear(256, 256, bias=False) for _ in range(30)]
        for layer in layers:
            _initialise(layer.weight, name)
        values, deviations = torch.randn(500, 256), []
        with torch.no_grad():
            for layer in layers:
                values = F.relu(layer(values))
                deviations.append(float(values.std()))
        figures[name] = math.log10(max(deviations[-1], 1e-40) / deviations[0])
    return figures


def _initialise(weight: Tensor, name: str) -> None:
    if name == "kaiming":
        nn.init.kaiming_normal_(weight, nonlinearity="relu")
    elif name == "xavier":
        nn.init.xavier_normal_(weight)
    else:
        nn.init.normal_(weight, std=0.01)


def gradients_by_layer(seed: int) -> Figures:
    """Return the logarithm (base 10) of the gradient at the first of ten hidden layers over that at the last."""
    images, labels = _digits()
    figures = {}
    for name in ("sigmoid", "tanh", "relu"):
        network = _perceptron(ACTIVATIONS[name], [100] * 10)
        for layer in network:
            if isinstance(layer, nn.Linear):
                _initialise(layer.weight, "kaiming" if name == "relu" else "xavier")
        sizes = [
            float(g.abs().mean()) for n, g in gradients(network, images[:200], labels[:200]).items() if n != "input"
        ]
        figures[name] = math.log10(sizes[1] / sizes[-1])
    return figures


def dead_units(seed: int) -> Figures:
    """Return the share of hidden units that are 0 for every image after 100 steps with a much too high rate."""
    images, labels = _digits()
    figures = {}
    for name in ("relu", "leaky"):
        torch.manual_seed(seed)
        network = _perceptron(ACTIVATIONS[name], [100, 100])
        _train(network, images, labels, steps=100, rate=2.0)
        figures[name] = dead_share(network, images)
    return figures


def equivariance(seed: int) -> Figures:
    """Return by how much shifting an image changes maps: beside the shift (convolution), and at all (pooling)."""
    images, _ = _digits()
    convolution = nn.Conv2d(1, 8, 3, padding=1, padding_mode="circular")
    with torch.no_grad():
        moved = images[:200].roll(1, 3)
        maps, of_moved = F.relu(convolution(images[:200])), F.relu(convolution(moved))
    size = float(maps.abs().mean())
    pooled = (F.max_pool2d(of_moved, 2) - F.max_pool2d(maps, 2)).abs().mean()
    return {
        "convolution-beside-the-shift": float((of_moved - maps.roll(1, 3)).abs().max()) / size,
        "convolution": float((of_moved - maps).abs().mean()) / size,
        "max-pooling": float(pooled) / float(F.max_pool2d(maps, 2).abs().mean()),
        "global-average": float((of_moved.mean((2, 3)) - maps.mean((2, 3))).abs().mean()) / size,
    }


def small_kernels(seed: int) -> Figures:
    """Return the measured receptive field and the weights per C squared of equal stacks of convolutions."""
    figures = {}
    for name, sides in (("one-5x5", (5,)), ("two-3x3", (3, 3)), ("one-7x7", (7,)), ("three-3x3", (3, 3, 3))):
        stack = nn.Sequential(*(nn.Conv2d(1, 1, side, padding=side // 2, bias=False) for side in sides))
        box = measured_field(stack, torch.randn(1, 1, 15, 15), str(len(sides) - 1), (7, 7))
        figures[f"field-{name}"] = float(box.bottom - box.top)
        figures[f"weights-{name}"] = float(sum(side * side for side in sides))
    return figures


def inception_arithmetic(seed: int) -> Figures:
    """Return the multiply-accumulates of GoogLeNet with naive modules and with the paper's, at 224 x 224."""
    names = {"naive": "googlenet_naive", "reduced": "googlenet"}
    return {key: float(cs.summary(shapes_alone(name), (3, 224, 224)).macs) for key, name in names.items()}


def input_sizes(seed: int) -> Figures:
    """Return how many of three image sizes the same weights take, with linear layers and with global averaging."""
    figures = {}
    for ending in ("linear", "gap"):
        network, taken = Small(ending=ending).eval(), 0
        for side in (28, 40, 64):
            try:
                taken += network(torch.zeros(1, 1, side, side)).shape == (1, 10)
            except RuntimeError:
                continue
        figures[ending] = float(taken)
    return figures


def _digits() -> tuple[Tensor, Tensor]:
    split = cs.load_data("digits").splits["train"]
    return torch.from_numpy(split.images).float().unsqueeze(1) / 255 - 0.5, torch.from_numpy(split.labels)


def _perceptron(activation: Callable[[], nn.Module], hidden: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in pairwise([64, *hidden]):
        layers += [nn.Linear(inputs, outputs), activation()]
    return nn.Sequential(*layers, nn.Linear(hidden[-1], 10))


def _train(network: nn.Module, images: Tensor, labels: Tensor, steps: int, rate: float) -> None:
    optimizer = torch.optim.SGD(network.parameters(), rate)
    network.train()
    for step in range(steps):
        some = torch.arange(32 * step, 32 * step + 32) % len(labels)
        optimizer.zero_grad()
        F.cross_entropy(network(images[some]), labels[some]).backward()
        optimizer.step()
