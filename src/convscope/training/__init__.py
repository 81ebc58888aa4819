"""From a recipe to a trained classifier, and nothing lost on the way."""

from .recipe import Recipe
from .run import Run, resume, train

__all__ = ["Recipe", "Run", "resume", "train"]
