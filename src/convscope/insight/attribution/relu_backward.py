"""Replace the backward pass of ReLU: the rules of deconvnet and of guided backpropagation.

Springenberg, Dosovitskiy, Brox and Riedmiller, *Striving for Simplicity: The All Convolutional Net*, ICLR workshop
2015, compare them with plain backpropagation in their figure 1.
"""

from __future__ import annotations

import logging
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from .rectifiers import Rectified, Rectifiers

log = logging.getLogger("convscope")
RULES = ("deconvnet", "guided")


class ReluBackward(TorchFunctionMode):
    """While it is active, the gradient passes every ReLU by another rule; the forward pass stays the same.

    The gradient is set to 0 where it is negative (`deconvnet`), or where it is negative or the ReLU's input was
    (`guided`). The function is replaced, not the module: a ReLU that a network calls without a layer (`F.relu`), in
    place, twice with one module, or in other words (`clamp(min=0)`; see `Rectifiers`) is caught like any other, and no
    hook is left behind. Smooth activations (sigmoid, SiLU, GELU) keep their gradient: in a network of those, both rules
    are plain backpropagation. `found` counts the ReLUs that ran.
    """

    def __init__(self, rule: str):
        super().__init__()
        if rule not in RULES:
            raise ValueError(f"unknown rule '{rule}': choose one of {', '.join(RULES)}")
        self.rule = rule
        self.rectifiers = Rectifiers()
        self.found = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        rectified = self.rectifiers.find(func, args, kwargs)
        if rectified is None:
            result = func(*args, **kwargs)
            self.rectifiers.note(func, args, result)
            return result
        self.found += 1
        output = _Relu.apply(rectified.values, self.rule, rectified)
        return None if func is Tensor.__setitem__ else output


class _Relu(torch.autograd.Function):
    """The numbers between a threshold and a ceiling, with the backward pass of one of the rules."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, rule: str, rectified: Rectified) -> Tensor:
        _, threshold, ceiling, in_place = rectified
        passed = values > threshold if ceiling is None else (values > threshold) & (values < ceiling)
        if threshold:
            output = values.masked_fill_(~passed, 0) if in_place else values.masked_fill(~passed, 0)
        else:
            output = values.clamp_(0, ceiling) if in_place else values.clamp(0, ceiling)
        if in_place:
            ctx.mark_dirty(values)
        if rule == "guided":
            ctx.save_for_backward(passed)
        return output

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        positive = gradients[0].clamp(min=0)
        return (positive * ctx.saved_tensors[0] if ctx.saved_tensors else positive), None, None


def check_found(rule: ReluBackward, method: str) -> None:
    """Warn if no ReLU ran while the rule was active: the result is then that of plain backpropagation."""
    if not rule.found:
        log.warning("%s found no ReLU in this network, so that its map is the plain gradient: choose saliency", method)
