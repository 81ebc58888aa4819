"""What the network sees: training images as they are preprocessed, and as training changes them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...data.augment import Augment, BatchContext
from ...data.decoded import Decoded
from ...data.label_names import label_names
from ...data.preprocess import Preprocess
from .pictures import fetched, picture_url

# Images shown, of classes at even distances, and how often each of them is changed.
ROWS, TIMES = 6, 4


def chosen_images(labels: Tensor) -> list[int]:
    """Return the first image of each of some classes, by labels N, or label marks N x K."""
    classes = labels if labels.ndim == 1 else torch.where(labels.bool().any(1), labels.argmax(1), -1)
    present = classes.unique()
    spread = torch.linspace(0, len(present) - 1, min(ROWS, len(present))).round().long().tolist()
    return [int((classes == present[i]).nonzero()[0]) for i in spread]


def seen_images(
    few: Decoded, preprocess: Preprocess, class_names: list[str], augment: Augment | None, seed: int
) -> list[dict[str, Any]]:
    """Return for each of a few training images its `label`, its `plain` picture and the `changed` ones.

    They are changed as in the first epochs of a training with this seed, though not by the same random numbers.
    """
    pixels = fetched(few.pixels, torch.arange(len(few)))
    plain = preprocess.centre(pixels)
    changed = [_augmented(pixels, augment, preprocess, seed, epoch) for epoch in range(1, TIMES + 1)] if augment else []
    return [
        {"label": label, "plain": picture_url(plain[i]), "changed": [picture_url(images[i]) for images in changed]}
        for i, label in enumerate(label_names(few.labels.numpy(), class_names))
    ]


def _augmented(pixels: Tensor, augment: Augment, preprocess: Preprocess, seed: int, epoch: int) -> Tensor:
    _, height, width = preprocess.input_size
    generator = torch.Generator().manual_seed(seed + epoch)
    images = augment(pixels, BatchContext(generator, epoch, torch.arange(len(pixels)), seed, (height, width)))
    return images.round().clamp(0, 255).to(torch.uint8)
