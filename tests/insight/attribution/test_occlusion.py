"""Occlusion against the score without each square."""

from __future__ import annotations

import torch

from convscope.insight import attribute


def test_occlusion_is_the_score_without_each_square(own, images):
    heat = attribute(own, images, "occlusion", 2, window=4, stride=4, baseline=0.5)
    score = own.eval()(images)[:, 2]
    for top in range(0, 16, 4):
        for left in range(0, 16, 4):
            hidden = images.clone()
            hidden[:, :, top : top + 4, left : left + 4] = 0.5
            fall = (score - own(hidden)[:, 2]).detach()
            torch.testing.assert_close(heat[:, top + 1, left + 2], fall, atol=1e-5, rtol=1e-4)
