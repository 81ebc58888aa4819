"""The optimizers of the recipes."""

from __future__ import annotations

from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from .recipe import Recipe


def make_optimizer(network: nn.Module, recipe: Recipe) -> Optimizer:
    """The recipe's optimizer. Weight decay is for matrices and kernels; biases and norms (one axis) are spared."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    # Fused: one pass over all weights instead of one an operation.
    if recipe.optimizer == "sgd":
        return SGD(groups, lr=recipe.lr, momentum=recipe.momentum, nesterov=recipe.nesterov, fused=True)
    return AdamW(groups, lr=recipe.lr, fused=True)
