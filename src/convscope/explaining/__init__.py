"""Pictures of what a classifier sees in an image, and why it answers what it answers."""

from .explanation import Explanation, explain

__all__ = ["Explanation", "explain"]
