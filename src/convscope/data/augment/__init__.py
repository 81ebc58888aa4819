"""Random changes that do not change what a picture shows, on whole batches and the same on every device.

Images are N x C x H x W, C 1 or 3, of pixel values 0..255, uint8 or float32, in any memory format, which stays. Moves
(`flip`, `alternating-flip`, `shift`, `crop`) keep the type; the others give float32 from 0 to 255. The input is never
written. Each change is made of a draw of parameters, on the CPU, and a function that applies them.
"""

from __future__ import annotations

from .context import Augment, Draw
from .registry import AUGMENTATIONS, Augmentation, parse_augment

__all__ = ["AUGMENTATIONS", "Augment", "Augmentation", "Draw", "parse_augment"]
