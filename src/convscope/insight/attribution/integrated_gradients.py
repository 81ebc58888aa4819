"""Integrated gradients: the mean gradient on the way from a plain image to this one, times the difference.

Sundararajan, Taly and Yan, *Axiomatic Attribution for Deep Networks*, ICML 2017.
"""

from __future__ import annotations

from torch import Tensor

from .captum_attr import captum_attr
from .class_score import Score, Target, naming_checkpoints

# Images that go through the network together.
BATCH = 16


def integrated_gradients(score: Score, images: Tensor, target: Target, baseline: float, steps: int) -> Tensor:
    """Return N x H x W, summed over channels: each map sums up to score(image) - score(baseline), in `steps` steps.

    `baseline` is the value of every pixel of the plain image.
    """
    with naming_checkpoints():
        heat = (
            captum_attr()
            .IntegratedGradients(score)
            .attribute(
                images,
                baselines=baseline,
                additional_forward_args=tuple(target),
                n_steps=steps,
                internal_batch_size=max(BATCH, len(images)),  # at least one step of every image
            )
        )
    return heat.sum(1).to(images.dtype).detach()
