"""Output sizes: PyTorch has the same, or refuses too."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import nn

from convscope.insight import output_size


def of_torch(kind, size, kernel, stride, padding, dilation, ceil_mode):
    layer = {
        "conv": lambda: nn.Conv2d(1, 1, (1, kernel), (1, stride), (0, padding), (1, dilation)),
        "pool": lambda: nn.MaxPool2d((1, kernel), (1, stride), (0, padding), (1, dilation), ceil_mode=ceil_mode),
        "transposed": lambda: nn.ConvTranspose2d(1, 1, (1, kernel), (1, stride), (0, padding), dilation=(1, dilation)),
    }[kind]()
    return layer.to("meta")(torch.zeros(1, 1, 1, size, device="meta")).shape[-1]


@pytest.mark.parametrize("kind", ["conv", "pool", "transposed"])
def test_as_pytorch(kind):
    refused = 0
    for settings in product([1, 2, 5, 8, 11], [1, 2, 3, 5], [1, 2, 3], [0, 1, 2], [1, 2], [False, True]):
        if settings[-1] and kind != "pool":
            continue
        try:
            expected = of_torch(kind, *settings)
        except RuntimeError:
            expected = 0
        if expected:
            assert output_size(kind, *settings) == expected, settings
        else:
            refused += 1
            with pytest.raises(ValueError):
                output_size(kind, *settings)
    assert refused


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("conv", 5, 7), "a kernel of 7 is larger than the input of 5; nothing would come out"),
        (("conv", 5, 4, 1, 0, 3), "a kernel of 4 with dilation 3 reaches over 10, which is larger than the input of 5"),
        (("pool", 5, 2, 2, 2), "padding 2 is more than half of the kernel of 2"),
        (("conv", 5, 3, 0), "stride must be at least 1, not 0"),
        (("conv", 5, 3, 1, -1), "padding must not be negative"),
        (("conv", 5, 3, 1, 0, 1, True), "only a pool can round up"),
        (("transposed", 1, 1, 1, 1), "padding 1 on both sides removes all 1 output pixels"),
        (("what", 5, 3), "unknown kind 'what'; choose one of conv, pool, transposed"),
    ],
)
def test_impossible_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        output_size(*settings)
