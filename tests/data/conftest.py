"""A loader of folders that makes sure that nothing is written into them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from convscope.data import Data, Preprocess, load_data
from convscope.data.decoded import Decoded, decode_data

from . import hostile

Load = Callable[[Path], tuple[Data, dict[str, Decoded]]]


@pytest.fixture
def load() -> Load:
    """Load and decode a folder, and check that nothing in it was written, even if it is refused."""

    def load(root: Path) -> tuple[Data, dict[str, Decoded]]:
        before = hostile.snapshot(root)
        try:
            data = load_data(root)
            return data, decode_data(data, Preprocess((1, 8, 8)))
        finally:
            assert hostile.snapshot(root) == before

    return load
