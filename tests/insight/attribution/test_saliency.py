"""Saliency against Captum and finite differences."""

from __future__ import annotations

import pytest
import torch

from convscope.insight import attribute


def test_saliency_is_what_a_small_change_does(own, images):
    own, images = own.double(), images[:1].double()
    heat = attribute(own, images, "saliency", 1)
    for row, column in ((3, 5), (8, 8), (15, 0)):
        slopes = []
        for channel in range(3):
            step = torch.zeros_like(images)
            step[0, channel, row, column] = 1e-6
            slopes.append(float((own(images + step) - own(images - step))[0, 1].detach()) / 2e-6)
        assert float(heat[0, row, column]) == pytest.approx(max(map(abs, slopes)), rel=1e-5, abs=1e-9)
