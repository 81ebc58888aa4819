"""Opening an image that somebody gave us: any format, any name, any damage, in bounded time and memory."""

from __future__ import annotations

import ctypes
import errno
import io
import logging
import os
import stat
import warnings
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageChops, ImageOps, UnidentifiedImageError

from ..errors import DataError, printable
from .jpeg import plain_jpeg

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
MAX_BYTES = 500_000_000
# From this size on a file's header is looked at before the rest is read.
LARGE = 16_000_000
HIGH_DEPTH = {"I;16", "I;16L", "I;16B", "I;16N", "I"}
GRAY_MODES = HIGH_DEPTH | {"1", "L", "LA", "La", "F"}

# The limit on pixels is ours and is checked before anything is decoded, and what cannot be used gets one line from us:
# Pillow's own warnings would only print more. Who has set up logging still sees what it logs.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
logging.getLogger("PIL").addHandler(logging.NullHandler())
# libtiff writes past Python, straight to stderr. Where Pillow was linked so that it cannot be reached, it goes on to.
with suppress(OSError, AttributeError):
    ctypes.CDLL(Image.core.__file__).TIFFSetErrorHandler(None)


class UnreadableImage(DataError):  # noqa: N818 - the name says it
    """One image that cannot be used; the message is the reason alone, for whoever names the file."""


class Stored(ABC):
    """An image that is no file of its own, but part of an archive or a table. Threads and processes may share it."""

    @abstractmethod
    def read(self) -> bytes:
        """The encoded image; UnreadableImage with the reason if it cannot be had."""

    @abstractmethod
    def fingerprint(self) -> str:
        """What `fingerprint` of this module answers."""


def read_bytes(item: str | os.PathLike[str] | Stored) -> bytes:
    """The content of a regular file, or of what is stored elsewhere; UnreadableImage with the reason.

    A FIFO, socket or device is never opened: reading one could wait for ever. A large file is read only if its header
    promises an image within the limits.
    """
    if isinstance(item, Stored):
        return item.read()
    path, size = item, _check_file(item).st_size
    try:
        with Path(path).open("rb") as file:
            if size > LARGE:
                check_header(file)
            return file.read()
    except OSError as problem:
        raise UnreadableImage(_why(problem)) from problem


def read_file(path: str | os.PathLike[str], limit: int) -> bytes:
    """The content of a regular file of any kind, at most `limit` bytes; UnreadableImage with the reason."""
    size = _regular_file(path).st_size
    if size > limit:
        raise UnreadableImage(_too_large(size, limit))
    try:
        with Path(path).open("rb") as file:
            return file.read()
    except OSError as problem:
        raise UnreadableImage(_why(problem)) from problem


def fingerprint(item: str | os.PathLike[str] | Stored) -> str:
    """A key that changes when a file is replaced or written to, without reading it; UnreadableImage as `read_bytes`."""
    if isinstance(item, Stored):
        return item.fingerprint()
    status = _regular_file(item)
    return f"{status.st_dev}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}:{Path(item).name}"


def check_header(file: BinaryIO) -> None:
    """UnreadableImage unless an open file begins as an image within the limits does."""
    _open(file)
    file.seek(0)


def read_image(item: str | os.PathLike[str] | Stored, longest_side: int | None = None) -> Image.Image:
    """A file's picture as `decode` gives it; UnreadableImage with the reason if there is none."""
    return decode(read_bytes(item), longest_side)


def decode(content: bytes, longest_side: int | None = None) -> Image.Image:
    """The first frame of an encoded image, upright, as mode L (gray) or RGB, transparency over white.

    A caller that will resize it, so that its shorter side is at most `longest_side`, says so: a JPEG that is more than
    four times as large is then decoded at a half, a quarter or an eighth of its size, never below twice that side.
    Raises UnreadableImage with a one-line reason for anything damaged, unknown or larger than `MAX_PIXELS`.
    """
    image = _open(io.BytesIO(content))
    try:
        if image.format == "PNG":
            # The decoder skips the checksums of pixel data; verify() reads them, and then needs a fresh image.
            image.verify()
            image = _open(io.BytesIO(content))
            _scale_transparency(image)
        _check_inner_size(image, content)
        _check_numbers(image)
        if longest_side is not None and image.format in ("JPEG", "MPO"):
            image.draft(None, (2 * longest_side, 2 * longest_side))
        gray = _says_gray(image)
        image.load()
        image = _as_meant(image)
        return to_gray_or_rgb(_upright(image.convert("LA") if gray and image.mode == "RGBA" else image))
    except UnreadableImage:
        raise
    except Exception as problem:  # Pillow's plug-ins raise whatever a parser can raise
        raise UnreadableImage(f"damaged {image.format} ({_reason(problem)})") from problem


def decode_pixels(content: bytes, longest_side: int | None = None) -> np.ndarray:
    """What `decode` gives, as a uint8 array H x W (gray) or H x W x 3, and quicker for an ordinary JPEG."""
    pixels = plain_jpeg(_open(io.BytesIO(content)), content, longest_side)
    return np.asarray(decode(content, longest_side)) if pixels is None else pixels


def stored_size(content: bytes) -> tuple[int, int]:
    """Width and height as an encoded image's header has them."""
    return _open(io.BytesIO(content)).size


def is_gray(item: str | os.PathLike[str] | Stored) -> bool | None:
    """Whether an image's header says that it has one channel; None if it has none that can be read."""
    try:
        if isinstance(item, Stored):
            return _says_gray(_open(io.BytesIO(item.read())))
        _check_file(item)
        with Path(item).open("rb") as file:
            return _says_gray(_open(file))
    except (OSError, UnreadableImage):
        return None


def to_gray_or_rgb(image: Image.Image) -> Image.Image:
    """Any Pillow mode -> L or RGB with 8 bits; transparency over white; 16 bits scaled to 8."""
    if image.mode in HIGH_DEPTH:
        values = np.asarray(image)
        if values.size and (values.min() < 0 or values.max() > 65535):
            raise UnreadableImage("whole numbers outside 0..65535, whose range nobody can know")
        scaled = ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
        if isinstance(clear := image.info.get("transparency"), int):
            scaled[values == clear] = 255
        return Image.fromarray(scaled)
    if image.mode == "F":
        raise UnreadableImage("floating-point pixels, whose range nobody can know")
    if image.mode in ("LA", "La"):
        return _over_white(image.convert("LA"), "L")
    if image.mode in ("RGBA", "RGBa", "PA") or "transparency" in image.info:
        gray = image.mode in ("1", "L")
        return _over_white(image.convert("LA" if gray else "RGBA"), "L" if gray else "RGB")
    if image.mode in ("L", "RGB"):
        return image
    if image.mode == "1":
        return image.convert("L")
    try:
        return image.convert("RGB")
    except (ValueError, OSError) as problem:
        raise UnreadableImage(f"pixel format {image.mode}, which Pillow cannot convert") from problem


def _check_file(path: str | os.PathLike[str]) -> os.stat_result:
    """The status of a regular file that is neither empty nor too large; UnreadableImage for everything else."""
    status = _regular_file(path)
    if status.st_size == 0:
        raise UnreadableImage("empty file")
    if status.st_size > MAX_BYTES:
        raise UnreadableImage(_too_large(status.st_size, MAX_BYTES))
    return status


def _regular_file(path: str | os.PathLike[str]) -> os.stat_result:
    try:
        status = os.stat(path)  # noqa: PTH116 - names may be bytes that are no valid text
    except ValueError as problem:
        raise UnreadableImage("no such file") from problem
    except OSError as problem:
        if isinstance(problem, FileNotFoundError) and Path(path).is_symlink():
            raise UnreadableImage("link to a file that is not there") from problem
        raise UnreadableImage(_why(problem)) from problem
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableImage("a folder, not an image")
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableImage("not a regular file (a pipe, socket or device)")
    return status


def _too_large(size: int, limit: int) -> str:
    return f"file of {size / 1e6:,.0f} MB, over the limit of {limit / 1e6:,.0f} MB"


def _why(problem: OSError) -> str:
    known = {
        errno.ENOENT: "no such file",
        errno.ELOOP: "link that points at itself",
        errno.EACCES: "no permission to read it",
        errno.EPERM: "no permission to read it",
    }
    return known.get(problem.errno or 0, f"cannot be read ({problem.strerror or problem})")


def _open(file: BinaryIO) -> Image.Image:
    Image.init()
    try:
        image = Image.open(file, formats=[name for name in FORMATS if name in Image.OPEN])
    except Image.DecompressionBombError as problem:
        raise UnreadableImage(f"more than {MAX_PIXELS / 1e6:.0f} megapixels") from problem
    except UnidentifiedImageError as problem:
        file.seek(0)
        raise UnreadableImage(f"not an image that can be read ({_guess(file.read(256))})") from problem
    except Exception as problem:  # as above: a hostile header may raise anything
        raise UnreadableImage(f"broken header ({_reason(problem)})") from problem
    _check_size(*image.size)
    return image


def _check_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise UnreadableImage(f"no pixels ({width} x {height})")
    if width * height > MAX_PIXELS:
        megapixels = width * height / 1e6
        raise UnreadableImage(
            f"{width} x {height} = {megapixels:,.0f} megapixels, over the limit of {MAX_PIXELS / 1e6:.0f}"
        )


def _check_inner_size(image: Image.Image, content: bytes) -> None:
    """Two formats state a second size, and it is this one that the decoder makes room for."""
    if image.format == "TIFF":
        _check_size(*(image.tag_v2.get(tag, 1) for tag in (322, 323)))  # type: ignore[attr-defined]
    elif image.format == "JPEG2000" and (at := content.find(b"\xff\x4f\xff\x51")) >= 0:  # where the codestream begins
        _check_size(*(int.from_bytes(content[at + i : at + i + 4], "big") for i in (8, 12)))


def _check_numbers(image: Image.Image) -> None:
    """Refuse the two kinds of TIFF whose numbers Pillow would get wrong without a word."""
    if image.format != "TIFF":
        return
    tags = image.tag_v2  # type: ignore[attr-defined]
    if 2 in tags.get(339, ()):
        raise UnreadableImage("whole numbers with a sign, whose range nobody can know")
    if tags.get(284) == 2 and len(bits := tags.get(258, ())) > 1 and max(bits) > 8:
        raise UnreadableImage("16 bits a channel with each channel by itself, which Pillow cannot read")


def _says_gray(image: Image.Image) -> bool:
    """Whether an image that is not loaded yet has one channel. Pillow opens deep gray with transparency as colour."""
    deep = image.format == "PNG" and image.tile and image.tile[0][3] == "LA;16B"  # type: ignore[attr-defined]
    return bool(image.mode in GRAY_MODES or deep)


def _scale_transparency(image: Image.Image) -> None:
    """PNG names its transparent colour in the file's own depth; Pillow compares it with values scaled to 8 bits."""
    clear, depth = image.info.get("transparency"), image.tile[0][3]  # type: ignore[attr-defined]
    if isinstance(clear, int) and depth in ("L;2", "L;4"):
        image.info["transparency"] = clear * (85 if depth == "L;2" else 17)
    elif isinstance(clear, tuple) and depth == "RGB;16B":
        image.info["transparency"] = tuple(value >> 8 for value in clear)


def _as_meant(image: Image.Image) -> Image.Image:
    """Mend the numbers that Pillow takes for something else than the file says they are."""
    if image.format in ("JPEG", "MPO") and image.mode == "CMYK" and "adobe" not in image.info:
        return ImageChops.invert(image)  # only Adobe writes ink upside down; Pillow takes all files to be Adobe's
    if image.format == "TIFF" and image.mode == "I":
        raise UnreadableImage("whole numbers with a sign or of 32 bits, whose range nobody can know")
    if image.format == "TIFF" and image.mode in HIGH_DEPTH:
        bits = image.tag_v2.get(258, (16,))[0]  # type: ignore[attr-defined]
        white_is_zero = image.tag_v2.get(262) == 0  # type: ignore[attr-defined]
        if bits < 16 or white_is_zero:
            values = np.asarray(image).astype(np.uint32) * 65535 // ((1 << bits) - 1)
            return Image.fromarray((65535 - values if white_is_zero else values).astype(np.uint16))
    return image


def _upright(image: Image.Image) -> Image.Image:
    with suppress(Exception):  # damaged EXIF says nothing about which way is up
        ImageOps.exif_transpose(image, in_place=True)
    return image


def _over_white(image: Image.Image, mode: str) -> Image.Image:
    white = Image.new(mode, image.size, 255 if mode == "L" else (255, 255, 255))
    white.paste(image.convert(mode), mask=image.getchannel("A"))
    return white


def _reason(problem: Exception) -> str:
    text = printable(str(problem)).strip() or type(problem).__name__
    return text if len(text) <= 100 else f"{text[:97]}..."


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
