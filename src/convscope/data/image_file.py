"""Opening an image that somebody gave us: any format, any name, any damage, in bounded time and memory."""

from __future__ import annotations

import errno
import io
import os
import stat
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ..errors import DataError, printable

IMAGE_SUFFIXES = frozenset(
    ".jpg .jpeg .jpe .jfif .png .bmp .dib .gif .webp .tif .tiff .ppm .pgm .pbm .pnm .jp2 .tga .ico .heic .heif .avif".split()
)
MAX_PIXELS = 50_000_000
MAX_BYTES = 500_000_000
HIGH_DEPTH = {"I;16", "I;16L", "I;16B", "I;16N", "I"}
GRAY_MODES = HIGH_DEPTH | {"1", "L", "LA", "La", "F"}

# The limit below is ours and is checked before anything is decoded; Pillow's own would only print a second line.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


class UnreadableImage(DataError):  # noqa: N818 - the name says it
    """One image that cannot be used; the message is the reason alone, for whoever names the file."""


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """The content of a regular file. A FIFO, socket or device is never opened: reading one could wait for ever."""
    try:
        status = os.stat(path)  # noqa: PTH116 - names may be bytes that are no valid text
    except (OSError, ValueError) as problem:
        if isinstance(problem, OSError) and problem.errno == errno.ELOOP:
            raise UnreadableImage("link that points at itself") from problem
        if os.path.islink(path):
            raise UnreadableImage("link to a file that is not there") from problem
        raise UnreadableImage("no such file") from problem
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableImage("a folder, not an image")
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableImage("not a regular file (a pipe, socket or device)")
    if status.st_size == 0:
        raise UnreadableImage("empty file")
    if status.st_size > MAX_BYTES:
        raise UnreadableImage(f"file of {status.st_size / 1e6:,.0f} MB, over the limit of {MAX_BYTES / 1e6:,.0f} MB")
    try:
        return Path(path).read_bytes()
    except PermissionError as problem:
        raise UnreadableImage("no permission to read it") from problem
    except OSError as problem:
        raise UnreadableImage(f"cannot be read ({problem.strerror or problem})") from problem


def read_image(path: str | os.PathLike[str]) -> Image.Image:
    """A file's picture as `decode` gives it; UnreadableImage with the reason if there is none."""
    return decode(read_bytes(path))


def decode(content: bytes) -> Image.Image:
    """The first frame of an encoded image, upright, as mode L (gray) or RGB, transparency over white.

    Raises UnreadableImage with a one-line reason for anything damaged, unknown or larger than `MAX_PIXELS`.
    """
    image = _open(content)
    try:
        if image.format == "PNG":
            # The decoder skips the checksums of pixel data; verify() reads them, and then needs a fresh image.
            image.verify()
            image = _open(content)
        image.load()
    except Exception as problem:  # Pillow's plug-ins raise whatever a parser can raise
        raise UnreadableImage(f"damaged {image.format} ({_reason(problem)})") from problem
    return to_gray_or_rgb(_upright(image))


def is_gray(path: str | os.PathLike[str]) -> bool:
    """Whether a file's header says that it has one channel; False if it cannot be opened."""
    try:
        return _open(read_bytes(path)).mode in GRAY_MODES
    except UnreadableImage:
        return False


def to_gray_or_rgb(image: Image.Image) -> Image.Image:
    """Any Pillow mode -> L or RGB with 8 bits; transparency over white; 16 bits scaled to 8."""
    if image.mode in HIGH_DEPTH:
        values = np.asarray(image)
        if values.size and (values.min() < 0 or values.max() > 65535):
            raise UnreadableImage("whole numbers outside 0..65535, whose range nobody can know")
        return Image.fromarray(np.round(values / 257.0).astype(np.uint8))
    if image.mode == "F":
        raise UnreadableImage("floating-point pixels, whose range nobody can know")
    if image.mode in ("LA", "La"):
        return _over_white(image.convert("LA"), "L")
    if image.mode in ("RGBA", "RGBa", "PA") or "transparency" in image.info:
        gray = image.mode in ("1", "L")
        return _over_white(image.convert("LA" if gray else "RGBA"), "L" if gray else "RGB")
    if image.mode in ("1", "L"):
        return image.convert("L")
    try:
        return image.convert("RGB")
    except (ValueError, OSError) as problem:
        raise UnreadableImage(f"pixel format {image.mode}, which Pillow cannot convert") from problem


def _open(content: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(content))
    except Image.DecompressionBombError as problem:
        raise UnreadableImage(f"more than {MAX_PIXELS / 1e6:.0f} megapixels") from problem
    except UnidentifiedImageError as problem:
        raise UnreadableImage(f"not an image that Pillow can read ({_guess(content)})") from problem
    except Exception as problem:  # as above: a hostile header may raise anything
        raise UnreadableImage(f"broken header ({_reason(problem)})") from problem
    width, height = image.size
    if width * height > MAX_PIXELS:
        megapixels = width * height / 1e6
        raise UnreadableImage(
            f"{width} x {height} = {megapixels:,.0f} megapixels, over the limit of {MAX_PIXELS / 1e6:.0f}"
        )
    if width < 1 or height < 1:
        raise UnreadableImage(f"no pixels ({width} x {height})")
    return image


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # damaged EXIF says nothing about which way is up
        return image


def _over_white(image: Image.Image, mode: str) -> Image.Image:
    white = Image.new(mode, image.size, 255 if mode == "L" else (255, 255, 255))
    white.paste(image.convert(mode), mask=image.getchannel("A"))
    return white


def _reason(problem: Exception) -> str:
    text = printable(str(problem)).strip() or type(problem).__name__
    return text if len(text) <= 100 else f"{text[:97]}..."


def _guess(content: bytes) -> str:
    head = content[:256].lstrip().lower()
    if head.startswith((b"<svg", b"<?xml")):
        return "it looks like SVG or XML"
    if head.startswith((b"<!doctype html", b"<html")):
        return "it looks like a web page"
    if content[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftyphevc"):
        return "it looks like HEIC, whose codec is not installed"
    if head.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer; run git lfs pull"
    if all(32 <= byte < 127 or byte in (9, 10, 13) for byte in content[:256]):
        return "it looks like text"
    return "unknown or damaged format"
