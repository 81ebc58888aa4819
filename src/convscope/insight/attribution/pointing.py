"""How well a heat map points: what becomes of the class while pixels go, or come, in the order of the map.

Petsiuk, Das and Saenko, *RISE: Randomized Input Sampling for Explanation of Black-box Models*, BMVC 2018, section 4.2.
Departures: what goes is filled with the colour of the picture's edge (there grey, and a blurred picture for what
comes), and equally important pixels go in a random order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

STEPS = 12


@dataclass(frozen=True)
class Pointing:
    """The mean of the class's probability while pixels are uncovered (`insertion`) and covered (`deletion`)."""

    insertion: float
    deletion: float

    @property
    def score(self) -> float:
        """1 for a map whose first pixels are all that counts, about 0 for a random order."""
        return self.insertion - self.deletion


def pointing(
    network: nn.Module,
    images: Tensor,
    heat: Tensor,
    label: int,
    probabilities: Callable[[Tensor], Tensor],
    steps: int = STEPS,
) -> Pointing:
    """Measure one heat map H x W of one image 1 x C x H x W; `probabilities` turns logits N x K into N x K."""
    channels, height, width = images.shape[1:]
    pixels = height * width
    jitter = torch.rand(pixels, generator=torch.Generator().manual_seed(0))
    order = torch.argsort(jitter)
    order = order[torch.argsort(heat.flatten().cpu()[order], descending=True, stable=True)]
    rank = torch.empty(pixels, dtype=torch.long).scatter_(0, order, torch.arange(pixels)).view(1, 1, height, width)
    counts = torch.linspace(0, pixels, steps + 1).round().long().view(-1, 1, 1, 1)
    first = (rank < counts).to(images.device)  # the most important pixels, step by step more of them
    ground = edge_colour(images).view(1, channels, 1, 1)
    with torch.no_grad():
        shown = torch.cat([torch.where(first, images, ground), torch.where(first, ground, images)])
        chances = probabilities(network(shown))[:, label].double()
    return Pointing(_mean(chances[: steps + 1]), _mean(chances[steps + 1 :]))


def edge_colour(images: Tensor) -> Tensor:
    """Return the median colour, C, of the edge of one image 1 x C x H x W."""
    image = images[0]
    edge = torch.cat([image[:, 0], image[:, -1], image[:, :, 0], image[:, :, -1]], dim=1)
    return edge.median(dim=1).values


def _mean(values: Tensor) -> float:
    """Return the area under values at equal distances, by the trapezoidal rule, with a width of 1."""
    return float(torch.trapezoid(values) / (len(values) - 1))
