"""Numbers about a classifier, and the report that shows them."""

from .metrics import Evaluation, evaluate

__all__ = ["Evaluation", "evaluate"]
