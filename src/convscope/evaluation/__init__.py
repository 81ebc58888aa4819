"""Evaluation of classifiers: metrics, the report, test-time augmentation, features."""

from .metrics import Evaluation, evaluate

__all__ = ["Evaluation", "evaluate"]
