"""Refuse images whose pixel data ends early although the file does not: decoders fill up the rest without a word.

All other formats that are read (GIF, BMP, TIFF, WebP, ...) report it themselves. A full check costs half as much as
decoding, so it is made only if the end of the picture looks as a decoder leaves it, black in a PNG and of one colour in
a JPEG, and for progressive JPEG, where the end does not show it.
"""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image, PngImagePlugin

from .unreadable import UnreadableImage, reason

# Channels of PNG's colour types; start and step of rows and columns in the passes of an interlaced PNG.
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
PASSES = ((0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2), (1, 2, 0, 1))
UNPACKED_AT_ONCE = 1 << 20
# Pixels at the end of a JPEG's last row that have one colour where data is missing.
JPEG_END = 16


def require_png_checksums(image: Image.Image, content: bytes) -> None:
    """Raise what Pillow raises if the checksum of a chunk is wrong: its decoder skips those of the pixel data.

    `Image.verify` does the same, but the image cannot be loaded any more afterwards.
    """
    chunks = io.BytesIO(content)
    chunks.seek(image.tile[0][2] - 8)  # type: ignore[attr-defined]
    PngImagePlugin.ChunkStream(chunks).verify()


def require_all_png_rows(image: Image.Image, content: bytes) -> None:
    """Raise UnreadableImage if a PNG, loaded without a complaint, has fewer bytes of pixels than its header says."""
    if content[12:16] != b"IHDR":
        return
    width, height, depth, colours, _, _, interlaced = struct.unpack(">IIBBBBB", content[16:29])
    if not interlaced and any(image.crop((0, height - 1, width, height)).tobytes()):
        return
    needed = _bytes_of_rows(width, height, depth * CHANNELS[colours], bool(interlaced))
    got = _unpacked_bytes(content, needed)
    if got < needed:
        raise UnreadableImage(f"damaged PNG (pixel data ends early: {got:,} of {needed:,} bytes)")


def require_jpeg_end(image: Image.Image, content: bytes) -> None:
    """Raise UnreadableImage if a JPEG that Pillow has loaded lacks data before its end marker."""
    width, height = image.size
    end = image.crop((max(width - JPEG_END, 0), height - 1, width, height))
    if not image.info.get("progressive") and np.ptp(np.asarray(end), axis=(0, 1)).any():
        return
    import simplejpeg

    try:
        simplejpeg.decode_jpeg(content, "GRAY", min_height=1, min_width=1, min_factor=8)
    except ValueError as problem:
        refuse_premature_end(problem)


def refuse_premature_end(problem: Exception) -> None:
    """Raise UnreadableImage if a complaint of libjpeg is one about missing data that Pillow does not make."""
    if "premature end of data segment" in str(problem):
        raise UnreadableImage(f"damaged JPEG ({reason(problem)})") from problem


def _bytes_of_rows(width: int, height: int, bits: int, interlaced: bool) -> int:
    """Return the bytes of all rows, each with its filter byte, for `bits` per pixel."""
    passes = PASSES if interlaced else ((0, 1, 0, 1),)
    sizes = [(len(range(x, width, dx)), len(range(y, height, dy))) for y, dy, x, dx in passes]
    return sum(rows * (1 + (columns * bits + 7) // 8) for columns, rows in sizes if columns)


def _unpacked_bytes(content: bytes, most: int) -> int:
    """Return to how many bytes, at most about `most`, the pixel data unpacks."""
    stream, total, at = zlib.decompressobj(), 0, 8
    while at + 8 <= len(content) and total < most:
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        if kind == b"IDAT":
            waiting = content[at + 8 : at + 8 + length]
            while waiting and not stream.eof and total < most:
                total += len(stream.decompress(waiting, UNPACKED_AT_ONCE))
                waiting = stream.unconsumed_tail
        at += 12 + length
    return total + (len(stream.flush()) if total < most else 0)
