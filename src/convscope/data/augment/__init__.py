"""Augmentation: random changes that keep what a picture shows, made to whole batches, the same on every device.

Images are N x C x H x W with C 1 or 3, pixel values 0..255, uint8 or float32, in any memory format, which is kept. The
augmentations that only move pixels (`flip`, `alternating-flip`, `shift`, `crop`, `random-crop`) keep the type; the
others return float32 from 0 to 255. The input is never changed. Each augmentation is two functions: `random_...`
samples its parameters on the CPU, and another one applies them.
"""

from __future__ import annotations

from .context import Augment, BatchContext
from .registry import AUGMENTATIONS, Augmentation, frame_side, mirrors, parse_augment

__all__ = ["AUGMENTATIONS", "Augment", "Augmentation", "BatchContext", "frame_side", "mirrors", "parse_augment"]
