"""The optimizers of the recipes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer

from .recipe import Recipe


def make_optimizer(network: nn.Module, recipe: Recipe, body: Collection[nn.Parameter] = ()) -> Optimizer:
    """The recipe's optimizer. Weight decay is for matrices and kernels; biases and norms (one axis) are spared.

    With `muon`, kernels have the rate `lr`; everything else is AdamW's, with `adam_lr`. The parameters in `body` have
    `body_lr_factor` times the rate. Those that are frozen now may be let go later.
    """
    slower = {id(p) for p in body}
    parameters = [p for p in network.parameters() if p.requires_grad or id(p) in slower]

    def groups(chosen: Callable[[nn.Parameter], bool], lr: float, **settings: float) -> list[dict[str, Any]]:
        found = [p for p in parameters if chosen(p)]
        own = {"params": [p for p in found if id(p) not in slower], "lr": lr, **settings}
        if not slower:
            return [own]
        # The full rate comes last: it is the one that is told.
        return [{**own, "params": [p for p in found if id(p) in slower], "lr": lr * recipe.body_lr_factor}, own]

    if recipe.optimizer == "muon":
        kernels = groups(lambda p: p.ndim == 4, recipe.lr, momentum=recipe.momentum)
        return Muon(kernels, groups(lambda p: p.ndim != 4, recipe.adam_lr))
    decayed = groups(lambda p: p.ndim > 1, recipe.lr, weight_decay=recipe.weight_decay)
    spared = groups(lambda p: p.ndim <= 1, recipe.lr, weight_decay=0.0)
    # Fused: one pass over all weights instead of one an operation.
    if recipe.optimizer == "sgd":
        return SGD([*decayed, *spared], momentum=recipe.momentum, nesterov=recipe.nesterov, fused=True)
    return AdamW([*decayed, *spared], fused=True)


class Muon(AdamW):
    """Steps of equal size in every direction for kernels (K. Jordan et al., *Muon*, 2024); AdamW for all else.

    The momentum of a kernel, as a matrix of a row an output channel, is replaced by the nearest matrix whose singular
    values are all alike. As in the author's airbench94, kernels keep the norm sqrt(output channels), so that the rate
    is the share of a kernel that a step replaces; that suits convolutions with a norm behind them, whose scale has no
    effect. torch.optim.Muon takes matrices only.
    """

    def __init__(self, kernels: list[dict[str, Any]], others: list[dict[str, Any]]):
        super().__init__(others, weight_decay=0.0, betas=(0.9, 0.95), fused=True)
        for group in kernels:  # known by their `momentum`
            self.add_param_group(group)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """One step; without a closure, as the trainer calls it."""
        groups = self.param_groups
        try:
            self.param_groups = [group for group in groups if "momentum" not in group]
            result = super().step(closure)
        finally:
            self.param_groups = groups
        for group in groups:
            if "momentum" in group:
                self._step_kernels(group)
        return result

    def _step_kernels(self, group: dict[str, Any]) -> None:
        for kernel in group["params"]:
            if kernel.grad is None:
                continue
            state = self.state[kernel]
            if not state:
                # AdamW wants to find a step in every state that it reads back.
                state |= {"momentum": torch.zeros_like(kernel), "step": torch.zeros(())}
            state["step"] += 1
            average = state["momentum"].mul_(group["momentum"]).add_(kernel.grad)
            direction = kernel.grad.add(average, alpha=group["momentum"])
            kernel.mul_(len(kernel) ** 0.5 / kernel.norm())
            kernel.sub_(orthogonal(direction.flatten(1)).view_as(kernel), alpha=group["lr"])


def orthogonal(matrix: Tensor, steps: int = 3) -> Tensor:
    """About U V^T of `matrix` = U S V^T (m x n, singular value decomposition), by a quintic Newton-Schulz iteration.

    The author's coefficients bring all but the smallest singular values to between 0.7 and 1.2 within 5 steps; his
    airbench94 takes 3, and so does this.
    """
    x = matrix / (matrix.norm() + 1e-7)
    if tall := x.shape[0] > x.shape[1]:
        x = x.T
    for _ in range(steps):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return x.T if tall else x
