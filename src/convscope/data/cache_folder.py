"""The user's cache folder: downloads and decoded images."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """Return the folder that `CONVSCOPE_CACHE` names, or the platform's user cache folder."""
    return Path(os.environ.get("CONVSCOPE_CACHE") or platformdirs.user_cache_dir("convscope"))
