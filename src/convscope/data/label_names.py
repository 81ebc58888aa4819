"""The names of images' labels, of one class per image or of several labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Stands between several labels of an image, in every table that is written.
SEPARATOR = "|"


def label_names(labels: np.ndarray, class_names: Sequence[str]) -> list[str]:
    """Return a text for each image: the name of its class, or the names of all its labels with `|` between them.

    `labels` are class indices N, or label marks N x K.
    """
    if labels.ndim == 1:
        return [class_names[i] for i in labels.tolist()]
    return [SEPARATOR.join(class_names[i] for i in np.flatnonzero(row).tolist()) for row in labels]
