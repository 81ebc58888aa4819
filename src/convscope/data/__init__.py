"""Images in: from a name or a folder to batches of tensors. The names below are imported when they are first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .datasets import load_data
    from .preprocess import Preprocess
    from .split import Data, Split

__all__ = ["Data", "Preprocess", "Split", "load_data"]
_MODULE_OF = {"Data": "split", "Preprocess": "preprocess", "Split": "split", "load_data": "datasets"}


def __getattr__(name: str) -> Any:
    # Reading and preprocessing one image needs no torch, which `datasets` imports.
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
