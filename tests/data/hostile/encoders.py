"""Encode pictures in formats, depths and variants that Pillow does not write, and compare decoded ones."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import tifffile
from PIL import Image

WIDTH, HEIGHT = 48, 32
# Upper left, upper right, lower left, lower right: no two alike, so that a turned or mirrored picture is noticed.
COLOURS = np.array([[200, 40, 30], [30, 160, 60], [40, 60, 190], [230, 220, 210]])
GRAYS = np.array([10, 90, 170, 250])
WHITE = np.array([255, 255, 255])


def quarters(values: np.ndarray, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Return height x width pixels, a quarter of them for each of four values or colours."""
    index = 2 * (np.arange(height) >= height // 2)[:, None] + (np.arange(width) >= width // 2)
    return np.asarray(values)[index]


def means(image: Image.Image) -> np.ndarray:
    """Return the mean colour of each quarter, 4 x 3."""
    pixels = np.asarray(image.convert("RGB"), dtype=float)
    halves = np.array_split(pixels, 2)
    return np.array([part.mean((0, 1)) for half in halves for part in np.array_split(half, 2, axis=1)])


def picture(values: np.ndarray = COLOURS, mode: str = "RGB") -> Image.Image:
    return Image.frombytes(mode, (WIDTH, HEIGHT), quarters(values).astype(np.uint8).tobytes())


def encode(image: Image.Image, format: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def jpeg(image: Image.Image, **options: object) -> bytes:
    """Encode as JPEG. The quarters' edges lie on those of JPEG's blocks, so the colours survive."""
    return encode(image, "JPEG", quality=95, subsampling=0, **options)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(size: tuple[int, int], depth: int, kind: int, packed: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """Return a PNG of any depth and colour type; `packed` is the compressed rows, each after its filter byte."""
    header = struct.pack(">IIBBBBB", *size, depth, kind, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", packed), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def rows(array: np.ndarray) -> bytes:
    """Compress pixels of the file's own type (big-endian if of 16 bits) to rows for `png`."""
    return zlib.compress(b"".join(b"\0" + row.tobytes() for row in array))


def deep_png(values: np.ndarray, kind: int, *chunks: tuple[bytes, bytes]) -> bytes:
    return png((WIDTH, HEIGHT), 16, kind, rows(quarters(values).astype(">u2")), *chunks)


def tiff(size: tuple[int, int], bits: int, photometric: int, data: bytes, tile: int = 0) -> bytes:
    """Return a little-endian gray TIFF in one strip, or in one zlib-compressed tile if `tile` gives its side."""
    width, height = size
    entries = {256: width, 257: height, 258: bits, 259: 1, 262: photometric, 277: 1}
    offset, length = (324, 325) if tile else (273, 279)
    entries |= {322: tile, 323: tile, 259: 8} if tile else {278: height}
    entries |= {length: len(data), offset: 8 + 2 + 12 * (len(entries) + 2) + 4}
    head = b"II*\0" + struct.pack("<IH", 8, len(entries))
    return head + b"".join(struct.pack("<HHII", tag, 4, 1, entries[tag]) for tag in sorted(entries)) + bytes(4) + data


def scientific_tiff(array: np.ndarray, **options: object) -> bytes:
    """Return a TIFF of the kinds that scientific instruments and satellites write."""
    file = io.BytesIO()
    tifffile.imwrite(file, array, **{"photometric": "minisblack", **options})
    return file.getvalue()


def deflated(side: int) -> bytes:
    """Return `side` rows of a PNG (or nearly a tile of a TIFF) of one colour, compressed a thousandfold."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(side + 1)) for _ in range(side)) + packer.flush()


def patched(content: bytes, at: int, new: bytes) -> bytes:
    return content[:at] + new + content[at + len(new) :]
