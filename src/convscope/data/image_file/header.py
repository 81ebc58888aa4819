"""What an encoded image says of itself before anything is decoded: its format and its size, within our limits."""

from __future__ import annotations

import ctypes
import io
import logging
import warnings
from contextlib import suppress
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from .unreadable import UnreadableImage, reason

IMAGE_SUFFIXES = frozenset(
    {
        ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".dib", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm",
        ".pbm", ".pnm", ".jp2", ".tga", ".heic", ".heif", ".avif",
    }
)  # fmt: skip
# What those endings stand for, and no more: Pillow knows fifty others, one of which runs a program (EPS) and some hold
# pictures whose size shows only once they are decoded (ICO). HEIF is there if the reader has registered a codec for it.
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "DIB", "PPM", "JPEG2000", "AVIF", "HEIF", "TGA")
MAX_PIXELS = 50_000_000

# The limit on pixels is ours and is checked before anything is decoded, and what cannot be used gets one line from us:
# Pillow's own warnings would only print more. Who has set up logging still sees what it logs.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
logging.getLogger("PIL").addHandler(logging.NullHandler())
# libtiff writes past Python, straight to stderr. Where Pillow was linked so that it cannot be reached, it goes on to.
with suppress(OSError, AttributeError):
    ctypes.CDLL(Image.core.__file__).TIFFSetErrorHandler(None)


def open_image(file: BinaryIO) -> Image.Image:
    """An image that is not decoded yet; UnreadableImage unless it begins as one within the limits does."""
    Image.init()
    try:
        image = Image.open(file, formats=[name for name in FORMATS if name in Image.OPEN])
    except Image.DecompressionBombError as problem:
        raise UnreadableImage(f"more than {MAX_PIXELS / 1e6:.0f} megapixels") from problem
    except UnidentifiedImageError as problem:
        file.seek(0)
        raise UnreadableImage(f"not an image that can be read ({_guess(file.read(256))})") from problem
    except Exception as problem:  # a hostile header may raise whatever a parser can raise
        raise UnreadableImage(f"broken header ({reason(problem)})") from problem
    check_size(*image.size)
    return image


def check_header(file: BinaryIO) -> None:
    """UnreadableImage unless an open file begins as an image within the limits does."""
    open_image(file)
    file.seek(0)


def stored_size(content: bytes) -> tuple[int, int]:
    """Width and height as an encoded image's header has them."""
    return open_image(io.BytesIO(content)).size


def check_size(width: int, height: int) -> None:
    """UnreadableImage for no pixels at all or for too many."""
    if width < 1 or height < 1:
        raise UnreadableImage(f"no pixels ({width} x {height})")
    if width * height > MAX_PIXELS:
        megapixels = width * height / 1e6
        raise UnreadableImage(
            f"{width} x {height} = {megapixels:,.0f} megapixels, over the limit of {MAX_PIXELS / 1e6:.0f}"
        )


def _guess(content: bytes) -> str:
    head = content.lstrip().lower()
    if head.startswith((b"<svg", b"<?xml")):
        return "it looks like SVG or XML"
    if head.startswith((b"<!doctype html", b"<html")):
        return "it looks like a web page"
    if content[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftyphevc"):
        return "it looks like HEIC, whose codec is not installed"
    if head.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer; run git lfs pull"
    if all(32 <= byte < 127 or byte in (9, 10, 13) for byte in content):
        return "it looks like text"
    return "unknown or damaged format"
