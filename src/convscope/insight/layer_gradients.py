"""The gradient of the loss at the output of every layer."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attribution.class_score import Labels, as_labels, run_observed

Loss = Callable[[Tensor, Tensor], Tensor]


def gradients(network: nn.Module, images: Tensor, labels: Labels, loss: Loss = F.cross_entropy) -> dict[str, Tensor]:
    """Return the gradient of `loss(logits, labels)` at the output of every node that `trace` names, `input` first.

    images N x C x H x W. Every gradient has the shape of its node's output; it is zero where the loss does not depend
    on the node. The network runs in evaluation mode, and no parameter gets a gradient. ValueError if the loss has none.

    >>> network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 3))
    >>> found = gradients(network, torch.zeros(1, 1, 2, 2), torch.tensor([2]))
    >>> {name: tuple(gradient.shape) for name, gradient in found.items()}
    {'input': (1, 1, 2, 2), '0': (1, 4), '1': (1, 3)}
    """
    computed: dict[str, Tensor] = {}
    shapes: dict[str, torch.Size] = {}

    def observe(name: str, output: Tensor) -> None:
        shapes[name] = output.shape
        if output.requires_grad:
            # The hook gets the gradient of the values as they are now, though the next layer may work in place.
            output.register_hook(lambda gradient: computed.update({name: gradient}))

    pixels, logits = run_observed(network, images, observe)
    with torch.enable_grad():
        value = loss(logits, as_labels(labels, logits))
        if not value.requires_grad:
            raise ValueError(
                "the network's answer has no gradient: it calls detach or no_grad, rounds, or asks neighbours or a tree"
            )
        torch.autograd.grad(value, pixels, allow_unused=True)
    return {name: computed[name] if name in computed else pixels.new_zeros(shape) for name, shape in shapes.items()}
