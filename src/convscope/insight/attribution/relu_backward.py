"""Replace the backward pass of ReLU: the rules of deconvnet and of guided backpropagation.

Springenberg, Dosovitskiy, Brox and Riedmiller, *Striving for Simplicity: The All Convolutional Net*, ICLR workshop
2015, compare them with plain backpropagation in their figure 1.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

RULES = ("deconvnet", "guided")
# Every function of PyTorch that is a ReLU; nn.ReLU and nn.ReLU6 call these too.
IN_PLACE = {torch.relu_, torch.Tensor.relu_}
RELUS = {F.relu, torch.relu, torch.Tensor.relu, F.relu6, *IN_PLACE}


class ReluBackward(TorchFunctionMode):
    """While it is active, the gradient passes every ReLU by another rule; the forward pass stays the same.

    The gradient is set to 0 where it is negative (`deconvnet`), or where it is negative or the ReLU's input was
    (`guided`). The function is replaced, not the module: a ReLU that a network calls without a layer (`F.relu`), in
    place, or twice with one module, is caught like any other, and no hook is left behind. Smooth activations (sigmoid,
    SiLU, GELU) keep their gradient: in a network of those, both rules are plain backpropagation.
    """

    def __init__(self, rule: str):
        super().__init__()
        if rule not in RULES:
            raise ValueError(f"unknown rule '{rule}': choose one of {', '.join(RULES)}")
        self.rule = rule

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func not in RELUS:
            return func(*args, **kwargs)
        values = args[0] if args else kwargs["input"]
        in_place = func in IN_PLACE or kwargs.get("inplace", len(args) > 1 and args[1])
        return _Relu.apply(values, self.rule, bool(in_place), 6.0 if func is F.relu6 else None)


class _Relu(torch.autograd.Function):
    """min(max(x, 0), ceiling), with the backward pass of one of the rules."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, rule: str, in_place: bool, ceiling: float | None) -> Tensor:
        passed = values > 0 if ceiling is None else (values > 0) & (values < ceiling)
        output = values.clamp_(0, ceiling) if in_place else values.clamp(0, ceiling)
        if in_place:
            ctx.mark_dirty(values)
        if rule == "guided":
            ctx.save_for_backward(passed)
        return output

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        positive = gradients[0].clamp(min=0)
        return (positive * ctx.saved_tensors[0] if ctx.saved_tensors else positive), None, None, None
