"""Receptive fields: which pixels of the image one unit of a network sees, and which units see one pixel.

By theory, along the operations of a trace (`theory.py`), and measured by the gradient (`measured.py`).
"""

from .measured import measured_field
from .theory import Box, field_of, field_size, seen_by

__all__ = ["Box", "field_of", "field_size", "measured_field", "seen_by"]
