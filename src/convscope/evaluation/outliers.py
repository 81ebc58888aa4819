"""Find images whose features are far from those of all others: pictures that do not belong into a data set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

# The distance to this nearest image counts, so that a few copies of an outlier do not hide it.
NEIGHBOUR = 5
# An outlier is this many robust deviations of the logarithm farther than usual; at most so many are reported.
FAR, MOST = 5.0, 50
BLOCK = 1000


@dataclass(frozen=True)
class Outlier:
    """An image whose fifth nearest image is so many `times` as far as is usual."""

    path: str
    split: str
    times: float


def far_images(features: np.ndarray) -> list[tuple[int, float]]:
    """Return index and distance (as a multiple of the median) of the images far from all others, the farthest first.

    Features N x width, each column scaled to deviation 1. None with fewer than 20 images.
    """
    if len(features) < 20:
        return []
    values = torch.from_numpy(np.asarray(features, dtype=np.float32))
    values = (values - values.mean(0)) / values.std(0).clamp(min=1e-6)
    nearest = torch.cat(
        [torch.cdist(block, values).kthvalue(NEIGHBOUR + 1, 1).values for block in values.split(BLOCK)]
    )  # the first nearest is the image itself
    distances = nearest.double().numpy()
    logs = np.log(np.maximum(distances, 1e-9))
    usual = float(np.median(logs))
    deviation = max(1.4826 * float(np.median(np.abs(logs - usual))), 0.02)
    far = np.flatnonzero((logs - usual) / deviation > FAR)
    order = far[np.argsort(-distances[far], kind="stable")][:MOST]
    return [(int(i), float(np.exp(logs[i] - usual))) for i in order]
