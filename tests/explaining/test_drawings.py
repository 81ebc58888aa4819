"""Drawings of any numbers are valid SVG."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from convscope.explaining.drawings import stems


def test_stems_of_any_numbers_are_drawings():
    for values in ([0.0, 0.0], [1.0], [1e-30, 1, 1e30], [float("nan"), 2.0], []):
        ET.fromstring(stems([f"layer{i}" for i in range(len(values))], values))
