"""Captum's methods, imported where they are used: that takes two seconds."""

from __future__ import annotations

import importlib
import warnings
from typing import Any


def captum_attr() -> Any:
    """Import `captum.attr`, without the warning of its progress bars, which nobody sees here, in a notebook."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="IProgress not found")
        return importlib.import_module("captum.attr")
