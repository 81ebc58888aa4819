"""Two small networks with one layer of every kind that the page explains."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class EveryKind(nn.Module):
    """Windows with every setting, norms, pools, a gate, an addition, a concatenation, and dense layers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.batch = nn.BatchNorm2d(8)
        self.relu = nn.ReLU(inplace=True)
        self.depthwise = nn.Conv2d(8, 8, (3, 5), groups=8, padding=(1, 2), bias=False)
        self.grouped = nn.Conv2d(8, 8, 3, stride=2, groups=2, dilation=2, padding=2)
        self.reflected = nn.Conv2d(8, 8, 3, padding=1, padding_mode="reflect")
        self.same = nn.Conv2d(8, 8, 3, padding="same")
        self.single = nn.Conv2d(8, 6, 1)
        self.up = nn.ConvTranspose2d(6, 4, 2, stride=2)
        self.groups = nn.GroupNorm(2, 4)
        self.instance = nn.InstanceNorm2d(4)
        self.local = nn.LocalResponseNorm(3)
        self.largest = nn.MaxPool2d(3, 2, 1)
        self.mean = nn.AvgPool2d(2)
        self.adaptive = nn.AdaptiveAvgPool2d(3)
        self.squeeze = nn.AdaptiveAvgPool2d(1)
        self.gate = nn.Conv2d(8, 8, 1)
        self.prelu = nn.PReLU(4)
        self.dropout = nn.Dropout()
        self.first = nn.Linear(72, 12)
        self.norm = nn.LayerNorm(12)
        self.last = nn.Linear(12, 5, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.relu(self.batch(self.conv(images)))
        maps = self.grouped(self.depthwise(maps))
        maps = maps + torch.sigmoid(self.gate(self.squeeze(maps))) * self.same(self.reflected(maps))
        up = self.up(torch.nn.functional.silu(self.single(maps)))
        up = self.prelu(self.local(self.instance(self.groups(up))))
        both = torch.cat([self.largest(up), self.mean(up)], 1)
        return self.last(self.norm(torch.tanh(self.first(self.dropout(self.adaptive(both).flatten(1))))))


class EveryToken(nn.Module):
    """Patches, a class token, attention as one layer, a dense layer on each token."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.norm = nn.LayerNorm(8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.dense = nn.Linear(8, 12)
        self.out = nn.Linear(12, 5)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.patches(images).flatten(2).transpose(1, 2)
        tokens = self.norm(torch.cat([self.token.expand(len(images), -1, -1), tokens], 1))
        tokens = tokens + self.attention(tokens, tokens, tokens, need_weights=False)[0]
        return self.out(nn.functional.gelu(self.dense(tokens))[:, 0])
