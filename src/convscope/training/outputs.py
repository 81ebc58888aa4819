"""What a network returns in training: its logits, or a tuple of the logits of its main and its auxiliary heads."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from torch import Tensor

Outputs: TypeAlias = Tensor | tuple[Tensor, ...]


def map_outputs(function: Callable[[Tensor], Tensor], outputs: Outputs) -> Outputs:
    """Apply `function` to every tensor; a named tuple stays one."""
    if isinstance(outputs, Tensor):
        return function(outputs)
    mapped = [function(output) for output in outputs]
    return type(outputs)(*mapped) if hasattr(outputs, "_fields") else tuple(mapped)


def main_logits(outputs: Outputs) -> Tensor:
    """Return the logits of the main head, N x classes, which come first."""
    return outputs if isinstance(outputs, Tensor) else outputs[0]
