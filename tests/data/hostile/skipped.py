"""Files that must be skipped: cut, damaged, decompression bombs, no images, pixel values of unknown range."""

from __future__ import annotations

import struct

import numpy as np
from PIL import Image

from .encoders import (
    COLOURS,
    GRAYS,
    deflated,
    encode,
    jpeg,
    patched,
    picture,
    png,
    quarters,
    rows,
    scientific_tiff,
    tiff,
)

Files = dict[str, tuple[bytes, str]]
RGB = picture()
JPEG, PNG = jpeg(RGB), encode(RGB, "PNG")
TINY = rows(np.zeros((2, 2), np.uint8))


def _cut() -> Files:
    whole = {"jpg": JPEG, "png": PNG, "gif": encode(RGB, "GIF"), "webp": encode(RGB, "WEBP")}
    files: Files = {f"cut-header.{end}": (content[:10], "not an image|broken") for end, content in whole.items()}
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8))
    long = {"jpg": jpeg(noise), "png": encode(noise, "PNG"), "progressive.jpg": jpeg(noise, progressive=True)}
    for end, content in long.items():
        for percent in (1, 10, 50, 90, 99):
            files[f"cut-{percent}.{end}"] = content[: len(content) * percent // 100], "damaged|broken|not an image"
    return files


def _ending_early() -> Files:
    """Files that are whole, with valid checksums, but whose pixel data ends before the last row."""
    noise = np.random.default_rng(0).integers(1, 256, (100, 100, 3), dtype=np.uint8)
    gray, image = noise[..., 0], Image.fromarray(noise)
    files: Files = {
        "early.png": (png((100, 100), 8, 2, rows(noise[:10])), "pixel data ends early: 3,010 of 30,100 bytes"),
        "early-gray.png": (png((100, 100), 8, 0, rows(gray[:99])), "pixel data ends early"),
        "early-deep.png": (png((100, 100), 16, 0, rows(gray[:50].astype(">u2"))), "pixel data ends early"),
    }
    turned = Image.Exif()
    turned[0x0112] = 6
    for name, options in {"": {}, "-progressive": {"progressive": True}, "-turned": {"exif": turned}}.items():
        whole = jpeg(image, **options)
        files[f"early{name}.jpg"] = whole[: len(whole) // 2] + b"\xff\xd9", "premature end|truncated"
    strip = image.crop((0, 0, 100, 10))
    gif = encode(strip.convert("L"), "GIF")
    at = gif.index(b"\x2c", 13 + 768)
    tall = struct.pack("<H", 100)
    files["early.gif"] = gif[:8] + tall + gif[10 : at + 7] + tall + gif[at + 9 :], "damaged GIF"
    files["early.bmp"] = patched(encode(strip, "BMP"), 22, struct.pack("<I", 100)), "damaged BMP|broken"
    webp = encode(image, "WEBP")
    files["early.webp"] = (
        webp[:4] + struct.pack("<I", len(webp) // 2 - 8) + webp[8 : len(webp) // 2],
        "WEBP|not an image|broken header",
    )
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        content = encode(strip, "TIFF", compression=compression)
        for tag in (257, 278):  # length of the image, rows per strip
            for kind, form in ((4, "<I"), (3, "<H")):
                entry = content.find(struct.pack("<HHI", tag, kind, 1))
                if entry > 0:
                    content = patched(content, entry + 8, struct.pack(form, 100))
        files[f"early-{compression}.tif"] = content, "damaged TIFF"
    return files


def _bombs() -> Files:
    """Files that claim, or unpack to, far more pixels than their bytes suggest."""
    files: Files = {}
    size_at = JPEG.index(b"\xff\xc0") + 5
    for width, height in ((11_000, 8_000), (12_000, 12_000), (20_000, 20_000)):
        claim = f"{width} x {height} = {width * height // 10**6} megapixels|more than 50 megapixels"
        files[f"bomb-{width}.jpg"] = patched(JPEG, size_at, struct.pack(">HH", height, width)), claim
        files[f"bomb-{width}.png"] = png((width, height), 8, 2, TINY), claim
    side = 12_000
    zeros = deflated(side)
    real, wave = png((side, side), 8, 0, zeros), encode(RGB, "JPEG2000")
    inner_size_at = wave.index(b"\xff\x4f\xff\x51") + 8
    icon = struct.pack("<3H4B2H2I", 0, 1, 1, 16, 16, 0, 0, 1, 32, len(real), 22) + real
    return files | {
        "bomb-real.png": (real, "12000 x 12000 = 144 megapixels"),
        "bomb-tile.tif": (tiff((16, 16), 8, 1, zeros, tile=side), "144 megapixels"),
        "bomb-inside.jp2": (patched(wave, inner_size_at, struct.pack(">II", side, side)), "144 megapixels"),
        "bomb-icon.png": (icon, "not an image"),
        "bomb-text.png": (png((2, 2), 8, 0, TINY, (b"zTXt", b"x\0\0" + zeros)), "too large"),
        "bomb-profile.png": (png((2, 2), 8, 0, TINY, (b"iCCP", b"x\0\0" + zeros)), "too large"),
    }


def _no_images() -> Files:
    return {
        "empty.jpg": (b"", "^empty file$"),
        "text.jpg": (b"this is no picture\n" * 9, "looks like a text file"),
        "page.jpg": (b"<!DOCTYPE html>\n<html><body>404</body></html>", "web page"),
        "drawing.jpg": (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        "pointer.png": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
        "photo.heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200), "HEIC"),
        "program.jpg": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n", "looks like a text file"),
    }


def _damaged() -> Files:
    pixels_crc = PNG.index(b"IDAT") + 12
    long_palette = png((2, 2), 8, 3, TINY, (b"PLTE", bytes(6)), (b"tRNS", b"\7" * 300))
    lzw = encode(RGB, "TIFF", compression="tiff_lzw")
    return {
        "crc-pixels.png": (patched(PNG, pixels_crc, b"\xff"), "damaged PNG"),
        "crc-alone.png": (patched(PNG, len(PNG) - 16, b"none"), "damaged PNG"),
        "crc-header.png": (patched(PNG, 20, b"\1"), "broken header|damaged|not an image"),
        "palette-long.png": (long_palette, "damaged PNG"),
        "no-pixels.png": (png((0, 9), 8, 0, TINY), "broken|no pixels|not an image"),
        "damaged.tif": (patched(lzw, 9, b"\xff" * 9), "damaged TIFF"),
    }


def _unknown_range() -> Files:
    floats = np.zeros((4, 4), np.float32)
    apart = np.moveaxis(quarters(COLOURS * 257), -1, 0).astype(np.uint16)
    return {
        "float.tif": (encode(Image.fromarray(floats), "TIFF"), "floating-point"),
        "int32.tif": (encode(Image.fromarray(floats.astype(np.int32)), "TIFF"), "integer pixels"),
        "signed.tif": (scientific_tiff(quarters(GRAYS // 2).astype(np.int8)), "signed integer pixels"),
        "apart16.tif": (scientific_tiff(apart, photometric="rgb", planarconfig="separate"), "16 bits"),
        "channels.tif": (
            scientific_tiff(np.zeros((5, 9, 9), np.uint8), planarconfig="separate"),
            "5 channels of 8-bit",
        ),
        "float64.tif": (scientific_tiff(floats.astype(np.float64)), "1 channel of 64-bit floating-point numbers"),
        "colour-float.tif": (
            scientific_tiff(np.zeros((4, 4, 3), np.float32), photometric="rgb"),
            "3 channels of 32-bit floating-point",
        ),
        "float.ppm": (b"Pf 2 2 -1.0\n" + bytes(16), "floating-point"),
    }


SKIPPED: Files = {**_cut(), **_ending_early(), **_bombs(), **_no_images(), **_damaged(), **_unknown_range()}
