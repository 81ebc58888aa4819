"""Flatten nested containers, such as what a network returns. PyTorch's own `tree_leaves` is private to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
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


def named_leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the same, also of dataclasses, with the name of each: `logits`, `aux.0`; "" for no container."""
    parts: Iterable[tuple[Any, Any]]
    if isinstance(value, Mapping):
        parts = value.items()
    elif is_dataclass(value) and not isinstance(value, type):
        parts = ((field.name, getattr(value, field.name)) for field in fields(value))
    elif isinstance(value, tuple | list):
        parts = zip(getattr(value, "_fields", range(len(value))), value, strict=False)
    else:
        yield name, value
        return
    for key, part in parts:
        yield from named_leaves(part, f"{name}.{key}" if name else str(key))


def tensors_in(value: Any) -> tuple[Tensor, ...]:
    """Return the tensors among the leaves of a value, dataclasses included, in order."""
    if isinstance(value, Tensor):
        return (value,)
    return tuple(leaf for _, leaf in named_leaves(value) if isinstance(leaf, Tensor))
