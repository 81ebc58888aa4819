"""Superpixels: regions of like colour in place of single pixels (SLIC, Achanta et al. 2012)."""

from __future__ import annotations

import numpy as np


def superpixels(pixels: np.ndarray, count: int) -> np.ndarray:
    """uint8 H x W x C (1 or 3 channels) -> the same, each of about `count` regions in its mean colour."""
    from skimage.color import label2rgb
    from skimage.segmentation import slic

    gray = pixels.shape[2] == 1
    image = pixels[:, :, 0] if gray else pixels
    regions = slic(image, n_segments=count, start_label=1, channel_axis=None if gray else -1)
    # label2rgb leaves out what is labelled 0, hence the regions from 1 on; it needs colours.
    flat = label2rgb(regions, np.repeat(pixels, 3, axis=2) if gray else pixels, kind="avg", bg_label=0)
    return np.ascontiguousarray(flat[:, :, : pixels.shape[2]].astype(np.uint8))
