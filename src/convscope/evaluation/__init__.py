"""Evaluation of classifiers: metrics, the report, test-time augmentation, features."""

from .metrics import Evaluation, evaluate
from .multi_label import MultiLabelEvaluation

__all__ = ["Evaluation", "MultiLabelEvaluation", "evaluate"]
