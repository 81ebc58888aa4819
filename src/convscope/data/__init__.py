"""Images in: from a name or a folder to batches of tensors."""

from .datasets import load_data
from .preprocess import Preprocess
from .split import Data, Split

__all__ = ["Data", "Preprocess", "Split", "load_data"]
