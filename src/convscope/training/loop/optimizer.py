"""The optimizers (`--optimizer`): SGD, AdamW and Muon."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer

from ...distributed import is_sharded
from ..recipe.recipe import Recipe


def make_optimizer(network: nn.Module, recipe: Recipe, body: Collection[nn.Parameter] = ()) -> Optimizer:
    """Return the recipe's optimizer. Matrices and kernels have weight decay; biases and norms (one axis) have none.

    With `muon`, kernels have the rate `lr`, and AdamW trains everything else with `adam_lr`. The parameters in `body`
    have `body_lr_factor` times the rate; those that are frozen now are included, since they may be unfrozen later.
    """
    slower = {id(p) for p in body}
    parameters = [p for p in network.parameters() if p.requires_grad or id(p) in slower]

    def groups(chosen: Callable[[nn.Parameter], bool], lr: float, **settings: float) -> list[dict[str, Any]]:
        members = [p for p in parameters if chosen(p)]
        full_rate = {"params": [p for p in members if id(p) not in slower], "lr": lr, **settings}
        if not slower:
            return [full_rate]
        of_body = {**full_rate, "params": [p for p in members if id(p) in slower], "lr": lr * recipe.body_lr_factor}
        # The full rate comes last: the last group's rate is the one in metrics.csv.
        return [of_body, full_rate]

    if recipe.optimizer == "muon":
        kernels = groups(lambda p: p.ndim == 4, recipe.lr, momentum=recipe.momentum)
        dtype = torch.bfloat16 if recipe.precision == "bf16" else torch.float32
        return Muon(kernels, groups(lambda p: p.ndim != 4, recipe.adam_lr), dtype)
    decayed = groups(lambda p: p.ndim > 1, recipe.lr, weight_decay=recipe.weight_decay)
    undecayed = groups(lambda p: p.ndim <= 1, recipe.lr, weight_decay=0.0)
    # Fused: one pass over all weights instead of one per operation. torch has none for SGD on divided weights.
    way: dict[str, Any] = {"foreach": True} if is_sharded(network) else {"fused": True}
    if recipe.optimizer == "sgd":
        return SGD([*decayed, *undecayed], momentum=recipe.momentum, nesterov=recipe.nesterov, **way)
    return AdamW([*decayed, *undecayed], **way)


class Muon(AdamW):
    """Muon for kernels, whose steps are equally large in every direction (K. Jordan et al., 2024); AdamW for the rest.

    The momentum of a kernel, as a matrix with a row per output channel, is replaced by the nearest matrix whose
    singular values are all equal. As in the author's airbench94, kernels keep the norm sqrt(output channels), so that
    the rate is the share of a kernel that a step replaces; this is for convolutions before a norm, whose scale has no
    effect. torch.optim.Muon takes matrices only. The nearest matrix is computed in `dtype`.
    """

    def __init__(self, kernels: list[dict[str, Any]], others: list[dict[str, Any]], dtype: torch.dtype = torch.float32):
        self.dtype = dtype
        super().__init__(others, weight_decay=0.0, betas=(0.9, 0.95), fused=True)
        for group in kernels:  # recognised by their key `momentum`
            self.add_param_group(group)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """Take one step. The trainer calls it without a closure."""
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
                # AdamW expects a `step` in every state that it loads.
                state |= {"momentum": torch.zeros_like(kernel), "step": torch.zeros(())}
            state["step"] += 1
            average = state["momentum"].mul_(group["momentum"]).add_(kernel.grad)
            direction = kernel.grad.add(average, alpha=group["momentum"])
            kernel.mul_(len(kernel) ** 0.5 / kernel.norm())
            # A kernel's columns in the order of its memory: which is which makes no difference.
            change = orthogonal(direction.permute(0, 2, 3, 1).flatten(1), dtype=self.dtype)
            height, width = kernel.shape[2:]
            kernel.sub_(change.unflatten(1, (height, width, -1)).permute(0, 3, 1, 2), alpha=group["lr"])


def orthogonal(matrix: Tensor, steps: int = 3, dtype: torch.dtype | None = None) -> Tensor:
    """Return about U V^T for `matrix` = U S V^T (m x n, singular value decomposition) by Newton-Schulz iteration.

    The coefficients are the author's for a quintic iteration: 5 steps bring all but the smallest singular values to
    between 0.7 and 1.2. His airbench94 takes 3 steps, and so does this. Every step multiplies X by a polynomial in
    X X^T. These polynomials commute, so they are multiplied with each other first, as m x m for m <= n, and then once
    with X. The products are computed in `dtype`, by default that of the matrix.
    """
    x = (matrix / (matrix.norm() + 1e-7)).to(dtype or matrix.dtype)
    if tall := x.shape[0] > x.shape[1]:
        x = x.T
    square = x @ x.T
    product = polynomial = _quintic(square)
    for _ in range(steps - 1):
        square = polynomial @ square @ polynomial
        polynomial = _quintic(square)
        product = polynomial @ product
    x = (product @ x).to(matrix.dtype)
    return x.T if tall else x


def _quintic(square: Tensor) -> Tensor:
    """Return the polynomial in X X^T by which a step multiplies X."""
    polynomial = torch.addmm(square, square, square, beta=-4.7750, alpha=2.0315)
    polynomial.diagonal().add_(3.4445)
    return polynomial
