"""Networks that an export must refuse."""

from __future__ import annotations

from torch import nn


class DependsOnTheBatch(nn.Module):
    """Answers otherwise for a lone image: no exporter can see that, only a comparison."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(48, 2)

    def forward(self, images):
        logits = self.linear(images.flatten(1))
        return logits if len(images) > 1 else 9 - logits
