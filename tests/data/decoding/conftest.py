"""A folder of photos, and a counter of the images that are decoded."""

from __future__ import annotations

from pathlib import Path

import pytest

from convscope.data.decoding import decoded_image

from .photos import make_photos


@pytest.fixture
def folder(tmp_path) -> Path:
    return make_photos(tmp_path / "photos")


@pytest.fixture
def decodings(monkeypatch) -> list[int]:
    """Return a list that grows by one whenever an image is decoded."""
    done: list[int] = []
    real = decoded_image.decode_pixels
    monkeypatch.setattr(decoded_image, "decode_pixels", lambda *given: (done.append(1), real(*given))[1])
    return done
