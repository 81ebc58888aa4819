"""Explain how a classifier predicts the class of one image, as pictures and an HTML page."""

from .explanation import Explanation, explain

__all__ = ["Explanation", "explain"]
