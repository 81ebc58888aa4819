"""Pictures."""

from __future__ import annotations

from .style import Pictures

PICTURES: Pictures = {}
