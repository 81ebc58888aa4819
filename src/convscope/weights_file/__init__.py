"""Weights from a file (`--weights`): read without trusting it, and put into a network that they fit."""

from __future__ import annotations

from .fit import Fitted, classes_in, fit_weights
from .read import ENDINGS, read_weights_file

__all__ = ["ENDINGS", "Fitted", "classes_in", "fit_weights", "read_weights_file"]
