"""Read the header of an encoded image: its format and size, checked against the limits before anything is decoded."""

from __future__ import annotations

import ctypes
import io
import logging
import warnings
from contextlib import suppress
from typing import BinaryIO

from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from .unreadable import NotAnImage, TooManyPixels, UnreadableImage, reason

IMAGE_SUFFIXES = frozenset(
    {
        ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".dib", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm",
        ".pbm", ".pnm", ".jp2", ".tga", ".heic", ".heif", ".avif",
    }
)  # fmt: skip
# The formats of those suffixes only: Pillow knows fifty others, one of which runs a program (EPS) and some of which
# show their size only once they are decoded (ICO). HEIF works if the caller has registered a codec for it.
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "DIB", "PPM", "JPEG2000", "AVIF", "HEIF", "TGA")
# Kinds of numbers in a TIFF, by its tag.
NUMBERS = {1: "integers", 2: "signed integers", 3: "floating-point numbers", 5: "complex numbers", 6: "complex numbers"}
MAX_PIXELS = 50_000_000

# `check_size` enforces our own limit on pixels before anything is decoded, and every image that cannot be used gets
# one line from us, so Pillow's warnings are silenced. An application that has set up logging still gets Pillow's log.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
logging.getLogger("PIL").addHandler(logging.NullHandler())
# libtiff writes to stderr directly. In builds of Pillow where the library cannot be reached, it still does.
with suppress(OSError, AttributeError):
    ctypes.CDLL(Image.core.__file__).TIFFSetErrorHandler(None)


def open_image(file: BinaryIO) -> Image.Image:
    """Return an image that is not decoded yet; UnreadableImage if its header is not that of one within the limits."""
    Image.init()
    try:
        image = Image.open(file, formats=[name for name in FORMATS if name in Image.OPEN])
    except Image.DecompressionBombError as problem:
        raise TooManyPixels(f"more than {MAX_PIXELS / 1e6:.0f} megapixels") from problem
    except UnidentifiedImageError as problem:
        file.seek(0)
        raise _unidentified(file) from problem
    except Exception as problem:  # a hostile header may raise whatever a parser can raise
        raise UnreadableImage(f"broken header ({reason(problem)})") from problem
    check_size(*image.size)
    return image


def check_header(file: BinaryIO) -> None:
    """Raise UnreadableImage unless an open file begins with the header of an image within the limits."""
    open_image(file)
    file.seek(0)


def stored_size(content: bytes) -> tuple[int, int]:
    """Return width and height from the header of an encoded image."""
    return open_image(io.BytesIO(content)).size


def check_size(width: int, height: int) -> None:
    """Raise UnreadableImage if there are no pixels or more than `MAX_PIXELS`."""
    if width < 1 or height < 1:
        raise UnreadableImage(f"no pixels ({width} x {height})")
    if width * height > MAX_PIXELS:
        megapixels = width * height / 1e6
        raise TooManyPixels(
            f"{width} x {height} = {megapixels:,.0f} megapixels, over the limit of {MAX_PIXELS / 1e6:.0f}"
        )


def _unidentified(file: BinaryIO) -> UnreadableImage:
    """Return the error for a file that no decoder takes."""
    content = file.read(256)
    if content.startswith(b"version https://git-lfs"):
        return UnreadableImage("not an image that can be read (it is a Git LFS pointer; run git lfs pull)")
    if other := _other_type(content):
        return NotAnImage(f"not an image that can be read (it looks like {other})")
    return UnreadableImage(
        f"not an image that can be read ({_told_tiff(file, content) or 'unknown or damaged format'})"
    )


def _told_tiff(file: BinaryIO, content: bytes) -> str | None:
    """Return what the pixels of a TIFF are, whose kind Pillow does not know; None for other files and damaged ones."""
    if not content.startswith((b"II*\0", b"MM\0*")):
        return None
    try:
        tags = TiffImagePlugin.ImageFileDirectory_v2(content[:8])
        file.seek(tags.next)
        tags.load(file)
        if not {TiffImagePlugin.IMAGEWIDTH, TiffImagePlugin.BITSPERSAMPLE} <= set(tags):  # most writers put them last
            return "TIFF that ends before its tags: it was cut"
        bits, channels = (
            max(tags.get(TiffImagePlugin.BITSPERSAMPLE, (1,))),
            tags.get(TiffImagePlugin.SAMPLESPERPIXEL, 1),
        )
        kind = NUMBERS[max(tags.get(TiffImagePlugin.SAMPLEFORMAT, (1,)))]
    except Exception:  # a hostile header may raise whatever a parser can raise
        return None
    of = "1 channel" if channels == 1 else f"{channels} channels"
    return f"TIFF with {of} of {bits}-bit {kind}; save it with 8 or 16 bits and 1 or 3 channels"


def _other_type(content: bytes) -> str | None:
    head = content.lstrip().lower()
    if head.startswith((b"<svg", b"<?xml")):
        return "SVG or XML"
    if head.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    if content[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftyphevc"):
        return "HEIC, whose codec is not installed"
    if all(32 <= byte < 127 or byte in (9, 10, 13) for byte in content):
        return "a text file"
    return None
