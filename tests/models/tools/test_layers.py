"""The papers' layers, against their formulas."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from convscope.models.tools.layers import LocalResponseNorm, ScaledTanh, SubSampling


def test_subsampling_is_a_scaled_sum_of_four():
    layer = SubSampling(1)
    with torch.no_grad():
        layer.weight.fill_(0.5)
        layer.bias.fill_(1.0)
    sums = [0 + 1 + 4 + 5, 2 + 3 + 6 + 7, 8 + 9 + 12 + 13, 10 + 11 + 14 + 15]
    pooled = layer(torch.arange(16.0).view(1, 1, 4, 4))
    assert pooled.flatten().tolist() == [0.5 * four + 1 for four in sums]


def test_scaled_tanh_passes_through_one():
    values = ScaledTanh()(torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64))
    torch.testing.assert_close(values, torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64), atol=1e-4, rtol=0)


@pytest.mark.parametrize(("size", "channels"), [(5, 12), (5, 3), (3, 7), (4, 9), (1, 4)])
def test_lrn_is_the_papers_formula(size, channels):
    torch.manual_seed(0)
    a = 20 * torch.randn(2, channels, 3, 4, dtype=torch.float64)
    k, alpha, beta = 2.0, 1e-2, 0.75
    expected = torch.empty_like(a)
    for i in range(channels):  # b_i = a_i / (k + alpha sum_{j = max(0, i - n/2)}^{min(N - 1, i + n/2)} a_j^2)^beta
        window = [j for j in range(channels) if i - size / 2 <= j <= i + size / 2]
        total = sum(a[:, j] ** 2 for j in window)
        expected[:, i] = a[:, i] / (k + alpha * total) ** beta
    torch.testing.assert_close(LocalResponseNorm(size, alpha, beta, k)(a), expected, rtol=1e-12, atol=0)


def test_lrn_defaults_are_the_papers_and_torch_divides_alpha():
    a = 50 * torch.randn(1, 96, 5, 5, dtype=torch.float64)
    ours = LocalResponseNorm()(a)
    torch.testing.assert_close(ours, nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)(a), rtol=1e-12, atol=0)
    five_times_too_weak = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2.0)(a)
    assert float((ours - five_times_too_weak).norm() / ours.norm()) > 0.1


def test_lrn_gradient_and_half_precision():
    a = torch.randn(2, 6, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(LocalResponseNorm(5, 0.3), a)
    loud = torch.full((1, 8, 1, 1), 300.0)  # squared it is beyond float16
    for kind in (torch.float16, torch.bfloat16):
        quiet = LocalResponseNorm()(loud.to(kind))
        assert quiet.dtype == kind
        torch.testing.assert_close(quiet.float(), LocalResponseNorm()(loud), rtol=1e-2, atol=0)
