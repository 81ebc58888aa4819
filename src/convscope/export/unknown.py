"""When an exported model should not answer: what `abstention` has on that, as a part of the model."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..abstention import NEIGHBOURS, Abstention

CONFIDENCE, DISTANCE, UNKNOWN = "confidence", "distance", "unknown"


class Unknown(nn.Module):
    """Tells from logits, N x classes, and the features that the last layer got, N x width, which answers to refuse."""

    stored: Tensor
    squares: Tensor

    def __init__(self, abstention: Abstention, device: torch.device):
        super().__init__()
        self.abstention, familiar = abstention, abstention.familiar
        # Of several labels, for which no temperature is fitted, each has a probability of its own.
        confidence = [CONFIDENCE] if abstention.temperature is not None else []
        self.names = [*confidence, *([DISTANCE] if familiar is not None else []), UNKNOWN]
        if familiar is not None:
            assert familiar.features is not None
            stored = familiar.features.double()
            # As halves, which is how a bundle stores them: a quarter of the file.
            self.register_buffer("stored", familiar.features.half().to(device))
            self.register_buffer("squares", stored.square().sum(1).to(device))

    def forward(self, logits: Tensor, features: Tensor | None) -> tuple[Tensor, ...]:
        """Return what `names` lists, N each.

        `confidence` is the calibrated probability of the likeliest class, `distance` that to the fifth nearest familiar
        picture, `unknown` whether either is beyond its threshold.
        """
        temperature = self.abstention.temperature
        calibrated = (logits.double() / (temperature or 1.0)).softmax(1).max(1).values
        confidence = () if temperature is None else (calibrated,)
        unsure = calibrated < self.abstention.threshold
        if features is None:
            return *confidence, unsure
        familiar = self.abstention.familiar
        assert familiar is not None
        wide, stored = features.double(), self.stored.double()
        # In float64, so that the difference of large squares stays exact enough.
        squared = wide.square().sum(1, keepdim=True) + self.squares - 2 * wide @ stored.T
        nearest = squared.topk(min(NEIGHBOURS, stored.shape[0]), largest=False).values[:, -1]
        distance = nearest.clamp(min=0).sqrt()
        return *confidence, distance, unsure | ~(distance <= familiar.farthest)
