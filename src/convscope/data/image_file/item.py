"""An image of a data set: a file of its own, or a part of a zip or of a table."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path


class EmbeddedImage(ABC):
    """An image inside an archive or a table. Threads and processes may share it."""

    @abstractmethod
    def read(self) -> bytes:
        """Return the encoded image; UnreadableImage with the reason if it cannot be read."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Return a key that changes when the image does, without reading it."""


ImageItem = Path | EmbeddedImage
