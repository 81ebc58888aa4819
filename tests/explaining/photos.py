"""A network for colour images that is none of the package's, with class names that try to break a page."""

from __future__ import annotations

import torch.nn.functional as F
from torch import nn

HOSTILE = ["<script>alert(1)</script>", "猫", "a\"b'</svg>", "ملف", "line\nbreak", "\udcff", "x" * 200, "&amp;"]


class Photos(nn.Module):
    """A user's network for colour images: functions, no layer but convolutions and the last."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.last = nn.Conv2d(3, 6, 5, stride=2), nn.Conv2d(6, 12, 3), nn.Linear(12, len(HOSTILE))

    def forward(self, x):
        return self.last(F.relu_(self.two(F.relu(self.one(x)))).mean((2, 3)))
