"""Superpixels: replace each region of similar colour by its mean colour (SLIC, Achanta et al. 2012)."""

from __future__ import annotations

import numpy as np


def superpixels(pixels: np.ndarray, count: int) -> np.ndarray:
    """Return uint8 pixels H x W x C (C 1 or 3) in which each of about `count` regions has its mean colour."""
    from skimage.color import label2rgb
    from skimage.segmentation import slic

    gray = pixels.shape[2] == 1
    image = pixels[:, :, 0] if gray else pixels
    regions = slic(image, n_segments=count, start_label=1, channel_axis=None if gray else -1)
    # label2rgb leaves out label 0, hence labels from 1 on; it needs three channels.
    flat = label2rgb(regions, np.repeat(pixels, 3, axis=2) if gray else pixels, kind="avg", bg_label=0)
    return np.ascontiguousarray(flat[:, :, : pixels.shape[2]].astype(np.uint8))
