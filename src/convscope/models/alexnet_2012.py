"""AlexNet as published, in one grouped network or as two towers on two devices.

A. Krizhevsky, I. Sutskever, G. Hinton, *ImageNet Classification with Deep Convolutional Neural Networks*, NIPS 2012.

Input N x C x 227 x 227, output N x classes. Weights start as N(0, 0.01^2), biases at 1 in convolutions 2, 4, 5 and the
hidden linear layers (so that their ReLUs start with positive inputs), else at 0. Departure: the paper prints 224 x 224,
from which its own layer sizes do not follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..devices import choose_device
from .tools.card import Card
from .tools.layers import LocalResponseNorm, require_size


class TowerNorm(LocalResponseNorm):
    """Response normalisation of each half of the maps by itself: no communication between the two GPUs of 2012."""

    def forward(self, maps: Tensor) -> Tensor:
        """Return values of the same shape."""
        top, bottom = maps.chunk(2, 1)
        return torch.cat([super().forward(top), super().forward(bottom)], 1)


def convolutions(in_channels: int, groups: int, towers: int, norm: type[LocalResponseNorm]) -> nn.Sequential:
    """Return the convolutions of the paper's figure 2, or (`towers` 2) one tower's half; shapes are of the whole.

    A grouped layer, and a tower, takes the maps of its own half only. `norm()` has the paper's constants.
    """
    t = towers
    return nn.Sequential(
        nn.Conv2d(in_channels, 96 // t, 11, stride=4), nn.ReLU(), norm(),              # N x 96 x 55 x 55
        nn.MaxPool2d(3, stride=2),                                                     # N x 96 x 27 x 27
        nn.Conv2d(96 // t, 256 // t, 5, padding=2, groups=groups), nn.ReLU(), norm(),  # N x 256 x 27 x 27
        nn.MaxPool2d(3, stride=2),                                                     # N x 256 x 13 x 13
        nn.Conv2d(256, 384 // t, 3, padding=1), nn.ReLU(),                             # N x 384 x 13 x 13, of both
        nn.Conv2d(384 // t, 384 // t, 3, padding=1, groups=groups), nn.ReLU(),         # N x 384 x 13 x 13
        nn.Conv2d(384 // t, 256 // t, 3, padding=1, groups=groups), nn.ReLU(),         # N x 256 x 13 x 13
        nn.MaxPool2d(3, stride=2),                                                     # N x 256 x 6 x 6
    )  # fmt: skip


def hidden_layers(towers: int, dropout: float) -> nn.Sequential:
    """Return the linear layers before the last, or one tower's half of their units; each takes both towers."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(256 * 6 * 6, 4096 // towers), nn.ReLU(), nn.Dropout(dropout),  # N x 4096
        nn.Linear(4096, 4096 // towers), nn.ReLU(), nn.Dropout(dropout),         # N x 4096
    )  # fmt: skip


class AlexNet2012(nn.Module):
    """Both towers in one network, 60,965,224 parameters.

    With `groups=1` every layer takes all maps (62,378,344 parameters). Response normalisation runs over all maps, as in
    the paper's formula; with `norm_across_towers=False` it stays within each tower, as on two GPUs that exchange maps
    only before the third layer.
    """

    def __init__(
        self, num_classes: int, in_channels: int, dropout: float, groups: int = 2, norm_across_towers: bool = True
    ):
        super().__init__()
        if groups not in (1, 2):
            raise ValueError(f"groups must be 2, the paper's towers, or 1, not {groups!r}")
        self.input_size = (in_channels, 227, 227)
        norm = LocalResponseNorm if norm_across_towers or groups == 1 else TowerNorm
        self.features = convolutions(in_channels, groups, towers=1, norm=norm)
        self.classifier = hidden_layers(towers=1, dropout=dropout).append(nn.Linear(4096, num_classes))
        layers = [m for m in self.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        for number, layer in enumerate(layers, 1):
            nn.init.normal_(layer.weight, std=0.01)
            assert layer.bias is not None
            nn.init.constant_(layer.bias, float(number in (2, 4, 5, 6, 7)))

    @property
    def stages(self) -> dict[str, tuple[int, int]]:
        """The last module of each stage: channels and stride of its maps."""
        return {"features.2": (96, 4), "features.6": (256, 8), "features.13": (256, 16), "features.14": (256, 32)}

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, N x classes."""
        require_size(images, self.input_size, "alexnet_2012")
        return self.classifier(self.features(images))


class Tower(nn.Module):
    """One of two towers: half of the kernels of every layer but the last."""

    def __init__(self, in_channels: int, dropout: float):
        super().__init__()
        self.features = convolutions(in_channels, groups=1, towers=2, norm=LocalResponseNorm)
        self.classifier = hidden_layers(towers=2, dropout=dropout)

    @property
    def device(self) -> torch.device:
        """The device of its parameters."""
        return next(self.parameters()).device


class TwoTowers(nn.Module):
    """The same function as `AlexNet2012` with two groups, half of its kernels on each of two devices.

    `state_dict` and `load_state_dict` have the keys of the whole network: a file of one form fits the other, and the
    same seed starts both with the same weights. For response normalisation over all maps, the towers exchange two maps
    at the border. The last layer is on the first device; logits return to the images' device. There are no `stages`,
    because no module has all maps of one.
    """

    # Layers that take both towers: convolution 3, which is feature 8, and the linear ones behind 15 features.
    take_both = (8, 15 + 1, 15 + 4)

    def __init__(
        self, num_classes: int, in_channels: int, dropout: float, norm_across_towers: bool, devices: Sequence[str]
    ):
        super().__init__()
        whole = AlexNet2012(num_classes, in_channels, dropout)
        self.input_size, self.norm_across_towers = whole.input_size, norm_across_towers
        self.top, self.bottom = Tower(in_channels, dropout), Tower(in_channels, dropout)
        self.classifier = nn.ModuleDict({"7": nn.Linear(4096, num_classes)})  # named as in the whole
        self.register_state_dict_post_hook(_join_towers)
        self.register_load_state_dict_pre_hook(_split_towers)
        self.load_state_dict(whole.state_dict())
        if not next(self.parameters()).is_meta:
            self.to(devices[0])
            self.bottom.to(devices[1])

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, N x classes."""
        require_size(images, self.input_size, "alexnet_2012")
        devices = (self.top.device, self.bottom.device)
        maps = [images.to(device) for device in devices]
        layers = [[*tower.features, *tower.classifier] for tower in (self.top, self.bottom)]
        for number, pair in enumerate(zip(*layers, strict=True)):
            if number in self.take_both:
                maps = [torch.cat([half.to(device) for half in maps], 1) for device in devices]
            if isinstance(pair[0], LocalResponseNorm) and self.norm_across_towers:
                maps = self._norm_across(pair, *maps)
            else:
                maps = [layer(half) for layer, half in zip(pair, maps, strict=True)]
        features = torch.cat([half.to(devices[0]) for half in maps], 1)
        return self.classifier["7"](features).to(images.device)

    def _norm_across(self, norms: Sequence[nn.Module], top: Tensor, bottom: Tensor) -> list[Tensor]:
        count = top.shape[1]
        above = torch.cat([top, bottom[:, :2].to(top.device)], 1)
        below = torch.cat([top[:, -2:].to(bottom.device), bottom], 1)
        return [norms[0](above)[:, :count], norms[1](below)[:, 2:]]


def _join_towers(network: TwoTowers, state: dict[str, Any], prefix: str, *_: Any) -> None:
    for name, _half in network.top.named_parameters():
        top, bottom = state.pop(f"{prefix}top.{name}"), state.pop(f"{prefix}bottom.{name}")
        state[prefix + name] = torch.cat([top, bottom.to(top.device)])


def _split_towers(network: TwoTowers, state: dict[str, Any], prefix: str, *_: Any) -> None:
    for name, half in network.top.named_parameters():
        if prefix + name in state:
            whole = state.pop(prefix + name)
            state[f"{prefix}top.{name}"] = whole[: len(half)]
            state[f"{prefix}bottom.{name}"] = whole[len(half) :]


def alexnet_2012(
    num_classes: int = 1000,
    in_channels: int = 3,
    dropout: float = 0.5,
    groups: int = 2,
    norm_across_towers: bool = True,
    devices: Sequence[str] | None = None,
) -> AlexNet2012 | TwoTowers:
    """Return the paper's network; with `devices=("cpu", "cuda:0")` one tower on each of the two."""
    if devices is None:
        return AlexNet2012(num_classes, in_channels, dropout, groups, norm_across_towers)
    if isinstance(devices, str) or len(devices) != 2 or groups != 2:
        raise ValueError("devices must be two, one for each of two groups, such as ('cuda:0', 'cuda:1')")
    chosen = [str(choose_device(device)) for device in devices]
    return TwoTowers(num_classes, in_channels, dropout, norm_across_towers, chosen)


CARDS = [
    Card(
        "alexnet_2012", alexnet_2012, 2012, "A. Krizhevsky, I. Sutskever, G. Hinton",
        "ImageNet Classification with Deep Convolutional Neural Networks",
        "https://papers.nips.cc/paper/2012/hash/c399862d3b9d6b76c8436e924a68c45b-Abstract.html",
        "depth", (3, 227, 227),
        # One network. The 15.3 % top-5 of the contest are those of seven, two of them trained on more images.
        benchmark="ImageNet val, 10 crops", top1_error=40.7, top5_error=18.2,
    )
]  # fmt: skip
