"""Small transformers: 2 x 4 patches and a class token, 8 features, two heads; and one of windows, as Swin."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Tokens(nn.Module):
    """Patches by a convolution, a class token in front, attention, a dense layer on each token."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, (4, 2), (4, 2))
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.position = nn.Parameter(torch.randn(1, 9, 8))
        self.norm = nn.LayerNorm(8)
        self.qkv = nn.Linear(8, 24)
        self.wide = nn.Linear(8, 12)
        self.out = nn.Linear(12, 4)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.patches(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(images), -1, -1), tokens], 1) + self.position
        parts = self.qkv(self.norm(tokens)).reshape(len(images), 9, 3, 2, 4).permute(2, 0, 3, 1, 4)
        query, key, value = parts.unbind(0)
        heads = torch.softmax(query @ key.transpose(-2, -1), -1) @ value
        tokens = tokens + heads.transpose(1, 2).reshape(len(images), 9, 8)
        return self.out(torch.relu(self.wide(tokens))[:, 0])


class Windows(nn.Module):
    """Maps that are kept last, shifted and divided among windows that take the place of the images; then merged."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 6, 2, 2)
        self.norm = nn.LayerNorm(6)
        self.each = nn.Linear(6, 6)
        self.wide = nn.Linear(12, 12)
        self.out = nn.Linear(12, 4)

    def forward(self, images: Tensor) -> Tensor:
        last = self.norm(self.patches(images).permute(0, 2, 3, 1))
        shifted = torch.roll(last, (1, 1), (1, 2))
        windows = shifted.view(len(images), 2, 2, 2, 2, 6).permute(0, 1, 3, 2, 4, 5).reshape(-1, 4, 6)
        windows = self.each(windows)
        windows = torch.softmax(windows @ windows.transpose(1, 2), -1) @ windows
        parts = windows.view(len(images), 2, 2, 2, 2, 6).permute(0, 1, 3, 2, 4, 5)
        last = last + parts.reshape(len(images), 4, 4, 6)
        merged = torch.cat([last[:, ::2, ::2], last[:, 1::2, 1::2]], -1)
        return self.out(self.wide(merged).permute(0, 3, 1, 2).mean((2, 3)))
