"""Recognise a rectifier, max(x, 0), in whatever way a network writes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from ..tracing.torch_functions import PASSES, name_of, writes_in_place

_SIGNATURES = {
    "relu": "input inplace", "relu6": "input inplace", "leaky_relu": "input negative_slope inplace",
    "hardtanh": "input min_val max_val inplace", "threshold": "input threshold value inplace",
    "clamp": "input min max", "clip": "input min max", "clamp_min": "input min",
    "maximum": "input other", "max": "input other", "fmax": "input other", "mul": "input other",
    "where": "condition input other", "masked_fill": "input mask value", "setitem": "input mask value",
}  # fmt: skip
_COMPARISONS = {"gt": True, "ge": True, "greater": True, "greater_equal": True} | dict.fromkeys(
    ("lt", "le", "less", "less_equal"), False
)
_INVERSIONS = {"invert", "bitwise_not", "logical_not"}


class Rectified(NamedTuple):
    """A call that gives `values` where they lie between `threshold` and `ceiling`, less than that as 0."""

    values: Tensor
    threshold: float = 0.0
    ceiling: float | None = None
    in_place: bool = False


class _Mask(NamedTuple):
    """Which numbers a mask was made from (see `_numbers_of`), and whether it is true where they are positive."""

    numbers: tuple[Any, ...]
    is_positive: bool


class Rectifiers:
    """Tells rectifiers from other calls; sees all calls, as it has to know which masks say where a tensor is positive.

    They are ReLU and ReLU6, a clamp or a Hardtanh from 0 on, a threshold, a leaky ReLU of slope 0, the larger of x and
    zeros, and zeros put where x is negative: by `where`, `masked_fill`, an assignment or a product with the mask.
    """

    def __init__(self) -> None:
        self.masks = WeakTensorKeyDictionary()

    def find(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Rectified | None:
        """Return what the call rectifies, None if it is no rectifier."""
        name = _plain_name(function)
        if name not in _SIGNATURES or "out" in kwargs:
            return None
        words = _SIGNATURES[name].split()
        if name == "where" and args and not _is_boolean(args[0]):  # the method: x.where(mask, other)
            words = ["input", "condition", "other"]
        given = {**dict(zip(words, args, strict=False)), **kwargs}
        if "self" in given:
            given["input"] = given.pop("self")
        if name != "where" and not isinstance(given.get("input"), Tensor):
            return None
        found = self._by_name(name, given)
        if found is None or not found.values.is_floating_point():
            return None
        in_place = bool(given.get("inplace")) or writes_in_place(function)
        if in_place and found.values is not (args[0] if args else given.get("input")):  # a mask gets the product
            return None
        return found._replace(in_place=in_place)

    def note(self, function: Callable[..., Any], args: tuple[Any, ...], result: Any) -> None:
        """Remember the result of a call if it is a mask of where a tensor is positive, or negative."""
        name = _plain_name(function)
        if not isinstance(result, Tensor) or not args or not isinstance(args[0], Tensor):
            return
        if args[0].is_inference():  # PyTorch counts no changes of it
            return
        if name in _COMPARISONS:
            if len(args) > 1 and _is_zero(args[1]):
                self.masks[result] = _Mask(_numbers_of(args[0]), _COMPARISONS[name])
        elif (name in PASSES or name in _INVERSIONS) and (mask := self.masks.get(args[0])) is not None:
            self.masks[result] = mask._replace(is_positive=mask.is_positive != (name in _INVERSIONS))

    def _by_name(self, name: str, given: Mapping[str, Any]) -> Rectified | None:
        values = given.get("input")
        if name == "where":
            return self._chosen(given)
        assert isinstance(values, Tensor)
        if name in ("relu", "relu6"):
            return Rectified(values, ceiling=6.0 if name == "relu6" else None)
        if name == "leaky_relu":
            return Rectified(values) if _is_zero(given.get("negative_slope", 0.01)) else None
        if name == "hardtanh":
            return _clamped(values, given.get("min_val", -1.0), given.get("max_val", 1.0))
        if name in ("clamp", "clip", "clamp_min"):
            return _clamped(values, given.get("min"), given.get("max"))
        if name == "threshold":
            is_cut = _is_zero(given.get("value")) and given["threshold"] >= 0
            return Rectified(values, float(given["threshold"])) if is_cut else None
        if name in ("maximum", "max", "fmax"):
            return _larger(values, given.get("other"))
        return self._masked(name, given)

    def _masked(self, name: str, given: Mapping[str, Any]) -> Rectified | None:
        values: Any = given["input"]
        other: Any = given.get("other")
        if name == "mul":
            return next((Rectified(a) for a, b in ((values, other), (other, values)) if self._keeps(a, b, True)), None)
        return Rectified(values) if _is_zero(given.get("value")) and self._keeps(values, given["mask"], False) else None

    def _chosen(self, given: Mapping[str, Any]) -> Rectified | None:
        one: Any = given.get("input")
        other: Any = given.get("other")
        mask = given.get("condition")
        for kept, dropped, is_positive in ((one, other, True), (other, one, False)):
            if _is_zero(dropped) and self._keeps(kept, mask, is_positive):
                return Rectified(kept)
        return None

    def _keeps(self, values: Any, mask: Any, is_positive: bool) -> bool:
        """Tell whether a mask says of these very numbers where they are positive (or negative)."""
        if not isinstance(values, Tensor) or not isinstance(mask, Tensor) or mask not in self.masks:
            return False
        return bool(self.masks[mask] == _Mask(_numbers_of(values), is_positive))


def _clamped(values: Tensor, low: Any, high: Any) -> Rectified | None:
    if low is None or not _is_zero(low):
        return None
    if isinstance(high, Tensor):
        if high.numel() != 1:
            return None
        high = float(high.detach())
    return Rectified(values, ceiling=None if high is None else float(high))


def _larger(one: Tensor, other: Any) -> Rectified | None:
    if not isinstance(other, Tensor):  # x.max(0) is the largest along an axis
        return None
    for values, zeros in ((one, other), (other, one)):
        fits = torch.broadcast_shapes(values.shape, zeros.shape) == values.shape
        if fits and torch.result_type(values, zeros) == values.dtype and _is_zero(zeros):
            return Rectified(values)
    return None


def _is_zero(value: Any) -> bool:
    if isinstance(value, Tensor):
        return not value.requires_grad and not bool(value.any())
    return isinstance(value, int | float) and value == 0


def _is_boolean(value: Any) -> bool:
    return isinstance(value, Tensor) and value.dtype == torch.bool


def _plain_name(function: Callable[..., Any]) -> str:
    return name_of(function).partition(".")[0]  # an operation of `torch.ops.aten` is called `relu.default`


def _numbers_of(tensor: Tensor) -> tuple[Any, ...]:
    """Return what two tensors have in common only if they hold the same numbers in the same memory (`detach`)."""
    return tensor.data_ptr(), tuple(tensor.shape), tensor.stride(), tensor._version
