"""Progressive resizing: the size grows with the training, and images are shrunk as Pillow does it."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from convscope.training.loop.progressive import progressive_scale, shrink


def test_the_size_grows_with_the_training():
    shares = [0, 0.49, 0.5, 0.79, 0.8, 1]
    assert [progressive_scale(share) for share in shares] == [0.75, 0.75, 0.875, 0.875, 1, 1]
    images = torch.rand(2, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    assert shrink(images, 1.0) is images
    small = shrink(images, 0.75)
    assert small.shape == (2, 3, 24, 24) and small.is_contiguous(memory_format=torch.channels_last)


def test_shrinking_is_pillows():
    array = np.random.default_rng(0).random((32, 32), dtype=np.float32)
    theirs = np.asarray(Image.fromarray(array).resize((24, 24), Image.Resampling.BILINEAR))
    ours = shrink(torch.from_numpy(array)[None, None], 0.75)[0, 0].numpy()
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
