"""The generator of golden weights and images, on which golden rows depend."""

from __future__ import annotations

import numpy as np

from . import golden


def test_golden_generator_is_the_specified_one():
    expected = [-0.28626186, -0.46559526, -0.45656138, 0.22987561]
    np.testing.assert_allclose(golden.uniform(4, 0), expected, atol=1e-8)
    np.testing.assert_allclose(golden.uniform(3, 999983), [-0.33953026, 0.19075619, 0.47518602], atol=1e-8)
