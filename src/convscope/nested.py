"""Flatten nested containers, such as what a network returns. PyTorch's own `tree_leaves` is private to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor


def leaves(value: Any) -> Iterator[Any]:
    """Yield what nested tuples, lists and mappings (of these, the values) hold, in order; any other value itself."""
    if isinstance(value, Mapping):
        value = value.values()
    elif not isinstance(value, tuple | list):
        yield value
        return
    for part in value:
        yield from leaves(part)


def tensors_in(value: Any) -> tuple[Tensor, ...]:
    """Return the tensors among the leaves of a value, in order."""
    if isinstance(value, Tensor):
        return (value,)
    return tuple(leaf for leaf in leaves(value) if isinstance(leaf, Tensor))
