"""Files that must be used although careless decoders get them wrong: modes, depths, transparency, orientation."""

from __future__ import annotations

import struct

import numpy as np
from PIL import Image

from .encoders import (
    COLOURS,
    GRAYS,
    HEIGHT,
    WHITE,
    WIDTH,
    deep_png,
    encode,
    jpeg,
    picture,
    png,
    quarters,
    rows,
    scientific_tiff,
    tiff,
)

Files = dict[str, tuple[bytes, np.ndarray]]
RGB, GRAY, GRAY3 = picture(), picture(GRAYS, "L"), np.repeat(GRAYS[:, None], 3, 1)
NEGATIVE = Image.eval(RGB, lambda value: 255 - value)
ALPHA = np.array([255, 128, 0, 255])
RGBA = picture(np.column_stack([COLOURS, ALPHA]), "RGBA")
FIRST_CLEAR = np.vstack([WHITE, COLOURS[1:]])


def over_white(values: np.ndarray) -> np.ndarray:
    return values + (255 - values) * (1 - ALPHA[:, None] / 255)


def _plain() -> Files:
    """Ordinary files, several pictures in one file, and files with damage beside their pixels."""
    hundred = (quarters(COLOURS) * 100 / 255).round().astype("u1").tobytes()
    mpo = encode(RGB, "MPO", quality=95, subsampling=0, save_all=True, append_images=[RGB])
    moving = encode(RGB, "WEBP", lossless=True, save_all=True, append_images=[NEGATIVE])
    return {
        "rgb.jpg": (jpeg(RGB), COLOURS),
        "gray.jpg": (jpeg(GRAY), GRAY3),
        "progressive.jpg": (jpeg(RGB, progressive=True), COLOURS),
        "two.mpo.jpg": (mpo, COLOURS),
        "hundred.ppm": (f"P6 {WIDTH} {HEIGHT} 100\n".encode() + hundred, COLOURS),
        "lossless.webp": (encode(RGB, "WEBP", lossless=True), COLOURS),
        "moving.webp": (moving, COLOURS),
        "plain.bmp": (encode(RGB, "BMP"), COLOURS),
        "wide.png": (encode(Image.fromarray(quarters(COLOURS, 10_000, 2).astype(np.uint8)), "PNG"), COLOURS),
        "bad-profile.jpg": (jpeg(RGB, icc_profile=b"no profile" * 99), COLOURS),
        "bad-profile.png": (encode(RGB, "PNG", icc_profile=b"no profile" * 99), COLOURS),
        "broken-exif.jpg": (jpeg(RGB, exif=b"Exif\0\0II*\0\xff\xff\xff\xff"), COLOURS),
        "trailing.jpg": (jpeg(RGB) + b"\0\xff\xd8junk" * 99, COLOURS),
        "trailing.png": (encode(RGB, "PNG") + b"junk" * 99, COLOURS),
        "really-a-png.jpg": (encode(RGB, "PNG"), COLOURS),
    }


def _ink() -> Files:
    """CMYK, which Adobe stores inverted."""
    ink = np.column_stack([255 - COLOURS, np.zeros(4, int)])
    no_adobe = jpeg(picture(255 - ink, "CMYK"))
    adobe = no_adobe.index(b"\xff\xee")
    return {
        "cmyk-adobe.jpg": (jpeg(picture(ink, "CMYK")), COLOURS),
        "cmyk-plain.jpg": (no_adobe[:adobe] + no_adobe[adobe + 16 :], COLOURS),
        "cmyk.tif": (encode(picture(ink, "CMYK"), "TIFF"), COLOURS),
    }


def _transparent() -> Files:
    premultiplied = quarters(np.column_stack([COLOURS * ALPHA[:, None] // 255, ALPHA])).astype(np.uint8)
    options = {"photometric": "rgb", "extrasamples": ["assocalpha"]}
    return {
        "gray-alpha.png": (encode(picture(np.column_stack([GRAYS, ALPHA]), "LA"), "PNG"), over_white(GRAY3)),
        "rgba16.png": (deep_png(np.column_stack([COLOURS, ALPHA]) * 257, 6), over_white(COLOURS)),
        "rgba.png": (encode(RGBA, "PNG"), over_white(COLOURS)),
        "rgba.webp": (encode(RGBA, "WEBP", lossless=True), over_white(COLOURS)),
        "gray-alpha16.png": (deep_png(np.column_stack([GRAYS, ALPHA]) * 257, 4), over_white(GRAY3)),
        "premultiplied.tif": (scientific_tiff(premultiplied, **options), over_white(COLOURS)),
        "rgba.tif": (encode(RGBA, "TIFF"), over_white(COLOURS)),
        "rgba.jp2": (encode(RGBA, "JPEG2000"), over_white(COLOURS)),
    }


def _palettes() -> Files:
    indexed = picture(np.arange(4), "P")
    indexed.putpalette(COLOURS.astype(np.uint8).tobytes())
    alphas = bytes(ALPHA.tolist())
    return {
        "palette.png": (encode(indexed, "PNG"), COLOURS),
        "palette-clear.png": (encode(indexed, "PNG", transparency=0), FIRST_CLEAR),
        "palette-alpha.png": (encode(indexed, "PNG", transparency=alphas), over_white(COLOURS)),
        "clear.gif": (encode(indexed, "GIF", transparency=0), FIRST_CLEAR),
        "moving.gif": (encode(indexed, "GIF", save_all=True, append_images=[NEGATIVE.quantize(4)]), COLOURS),
    }


def _depths() -> Files:
    """1, 2, 12 and 16 bits per channel."""
    corners = np.vstack([0 * WHITE, WHITE, WHITE, 0 * WHITE])
    fourths = np.repeat(np.array([[0], [255], [170], [255]]), 3, 1)  # 85 is the transparent one
    two_bits = np.packbits(np.unpackbits(quarters(np.arange(4)).astype(np.uint8)[..., None], axis=2)[..., 6:])
    fine = COLOURS * 257 + 3
    twelve = quarters(GRAYS * 4095 // 255).astype(np.uint16).reshape(-1, 2)
    packed = np.stack([twelve[:, 0] >> 4, (twelve[:, 0] & 15) << 4 | twelve[:, 1] >> 8, twelve[:, 1] & 255], 1)
    deep, size = quarters(GRAYS * 257).astype("<u2"), (WIDTH, HEIGHT)
    apart = np.moveaxis(quarters(COLOURS), -1, 0).astype(np.uint8)
    gray_clear = np.vstack([WHITE, GRAY3[1:]])
    return {
        "bilevel.png": (encode(picture(np.array([0, 255, 255, 0]), "L").convert("1"), "PNG"), corners),
        "gray2-clear.png": (png(size, 2, 0, rows(two_bits.reshape(HEIGHT, -1)), (b"tRNS", b"\0\1")), fourths),
        "gray16.png": (deep_png(GRAYS * 257, 0), GRAY3),
        "gray16-clear.png": (deep_png(GRAYS * 257, 0, (b"tRNS", b"\x0a\x0a")), gray_clear),
        "rgb16.png": (deep_png(COLOURS * 257, 2), COLOURS),
        "rgb16-clear.png": (deep_png(fine, 2, (b"tRNS", struct.pack(">3H", *fine[0]))), FIRST_CLEAR),
        "rgb16.tif": (scientific_tiff(quarters(COLOURS * 257).astype(np.uint16), photometric="rgb"), COLOURS),
        "apart8.tif": (scientific_tiff(apart, photometric="rgb", planarconfig="separate"), COLOURS),
        "pages.tif": (scientific_tiff(np.stack([quarters(COLOURS)] * 2).astype("u1"), photometric="rgb"), COLOURS),
        "deep.pgm": (f"P5 {WIDTH} {HEIGHT} 65535\n".encode() + deep.byteswap().tobytes(), GRAY3),
        "gray16.tif": (tiff(size, 16, 1, deep.tobytes()), GRAY3),
        "gray16-white-is-zero.tif": (tiff(size, 16, 0, (65535 - deep).tobytes()), GRAY3),
        "gray12.tif": (tiff(size, 12, 1, packed.astype(np.uint8).tobytes()), GRAY3),
    }


def _orientations() -> Files:
    turn, exif = Image.Transpose, Image.Exif()
    back = (turn.FLIP_LEFT_RIGHT, turn.ROTATE_180, turn.FLIP_TOP_BOTTOM, turn.TRANSPOSE, turn.ROTATE_90,
            turn.TRANSVERSE, turn.ROTATE_270)  # fmt: skip
    files: Files = {}
    for orientation, stored in enumerate([RGB, *map(RGB.transpose, back)], start=1):
        exif[0x0112] = orientation
        files[f"orientation-{orientation}.jpg"] = jpeg(stored, exif=exif), COLOURS
        files[f"orientation-{orientation}.png"] = encode(stored, "PNG", exif=exif), COLOURS
        files[f"orientation-{orientation}.tif"] = encode(stored, "TIFF", exif=exif), COLOURS
    return files


USED: Files = {**_plain(), **_ink(), **_transparent(), **_palettes(), **_depths(), **_orientations()}
