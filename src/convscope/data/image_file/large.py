"""Large pictures: each takes up to 16 bytes per pixel while it is decoded, which the C library would keep for ever."""

from __future__ import annotations

import contextlib
import ctypes
import io
import sys
import threading
from collections.abc import Iterator

from .header import open_image
from .unreadable import UnreadableImage

# From how many pixels on memory is given back, and from how many on a picture is decoded alone.
LARGE_PIXELS, HUGE_PIXELS = 4_000_000, 16_000_000
# A PNG or JPEG of fewer bytes cannot have so many pixels; looking would take as long as a small network.
SURELY_SMALL_BYTES, SURELY_SMALL = 16_384, (b"\x89PNG", b"\xff\xd8")
_one = threading.Lock()


@contextlib.contextmanager
def within_memory(content: bytes) -> Iterator[None]:
    """While a huge picture is decoded in this context, no other one is; what a large one took is given back."""
    pixels = _pixels_in_memory(content)
    if pixels <= LARGE_PIXELS:
        yield
        return
    with _one if pixels > HUGE_PIXELS else contextlib.nullcontext():
        try:
            yield
        finally:
            _give_back_freed_memory()


def _pixels_in_memory(content: bytes) -> int:
    """Return how many pixels of an image are decoded, 0 for few: most JPEGs are decoded at a reduced size."""
    if len(content) <= SURELY_SMALL_BYTES and content.startswith(SURELY_SMALL):
        return 0
    try:
        image = open_image(io.BytesIO(content))
    except UnreadableImage:
        return 0
    is_reduced = image.format in ("JPEG", "MPO") and "progressive" not in image.info
    return 0 if is_reduced else image.width * image.height


def _give_back_freed_memory() -> None:
    """Have glibc give freed memory back to the system; other C libraries are left as they are."""
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
