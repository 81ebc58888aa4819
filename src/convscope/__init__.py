"""ConvScope: train, see inside and ship the classic convolutional image classifiers.

    import convscope as cs

    run = cs.train("mnist-5k", model="lenet5")
    run.classifier.predict("seven.png", topk=3)

The names below are imported when they are first used, so that `import convscope` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .version import __version__ as __version__

if TYPE_CHECKING:
    from .classifier import Classifier, Prediction, load
    from .data import Data, Preprocess, Split, load_data
    from .errors import (
        ConvScopeError,
        DataError,
        DeviceError,
        DivergedError,
        Interrupted,
        ModelFileError,
        OutputError,
        UsageError,
    )
    from .explaining import Explanation, explain
    from .models import create_model, list_models
    from .serving.one_file.show import Shown, show
    from .summarising import summary
    from .training.recipe.recipe import Recipe
    from .training.train import Run, resume, train

# The module in which each public name is defined.
_MODULES = {
    "classifier": ("Classifier", "Prediction", "load"),
    "data": ("Data", "Preprocess", "Split", "load_data"),
    "errors": (
        "ConvScopeError", "DataError", "DeviceError", "DivergedError", "Interrupted", "ModelFileError", "OutputError",
        "UsageError",
    ),
    "explaining": ("Explanation", "explain"),
    "models": ("create_model", "list_models"),
    "serving.one_file.show": ("Shown", "show"),
    "summarising": ("summary",),
    "training.recipe.recipe": ("Recipe",),
    "training.train": ("Run", "resume", "train"),
}  # fmt: skip
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Classifier", "ConvScopeError", "Data", "DataError", "DeviceError", "DivergedError", "Explanation",
    "Interrupted", "ModelFileError", "OutputError", "Prediction", "Preprocess", "Recipe", "Run", "Shown",
    "Split", "UsageError", "create_model", "explain", "list_models", "load", "load_data", "resume", "show", "summary",
    "train",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
