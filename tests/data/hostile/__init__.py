"""Every bad, odd and hostile image file there is a rule for, made here: nothing is fetched and nothing is stored.

`SKIPPED` has files that must be named and left out, with what the reason says; `USED` has files that must be seen as a
careful decoder sees them, with the colours of their four quarters. Both map a file name to a pair.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import zlib
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

WIDTH, HEIGHT = 48, 32
# Upper left, upper right, lower left, lower right: no two alike, so that a turned or mirrored picture is noticed.
COLOURS = np.array([[200, 40, 30], [30, 160, 60], [40, 60, 190], [230, 220, 210]])
GRAYS = np.array([10, 90, 170, 250])
WHITE = np.array([255, 255, 255])
NAMES = [
    "two words.png", "new\nline.png", "tab\t.png", "it's \"quoted\".png", "-rf.png", "--help.png", "n" * 200 + ".png",
    "صورة.png", "\u202egnp.exe.png", "🙂 猫.png", "UPPER.PNG", "MiXeD.JpEg", "%s%n.png", "a,b;c.png", "<b>&amp;.png",
    "[1]*?.png", "back\\slash.png", "carriage\rreturn.png", os.fsdecode(b"caf\xe9.png"), "trailing .png",
]  # fmt: skip
IGNORED = [
    ".DS_Store", "Thumbs.db", "desktop.ini", "._x.jpg", ".hidden.png", ".ipynb_checkpoints/a-checkpoint.png",
    "__MACOSX/._a.png", "notes.txt", "labels.csv", "no_ending",
]  # fmt: skip


def quarters(values: np.ndarray, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Four values or colours -> height x width pixels, a quarter each."""
    index = 2 * (np.arange(height) >= height // 2)[:, None] + (np.arange(width) >= width // 2)
    return np.asarray(values)[index]


def means(image: Image.Image) -> np.ndarray:
    """The mean colour of each quarter, 4 x 3."""
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
    """The quarters' edges lie on those of JPEG's blocks, and so the colours come back."""
    return encode(image, "JPEG", quality=95, subsampling=0, **options)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(size: tuple[int, int], depth: int, kind: int, packed: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of any depth and colour type; `packed` is the compressed rows, each after its filter byte."""
    header = struct.pack(">IIBBBBB", *size, depth, kind, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", packed), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def rows(array: np.ndarray) -> bytes:
    """Pixels of the file's own type (big-endian if of 16 bits) -> rows for `png`."""
    return zlib.compress(b"".join(b"\0" + row.tobytes() for row in array))


def deep_png(values: np.ndarray, kind: int, *chunks: tuple[bytes, bytes]) -> bytes:
    return png((WIDTH, HEIGHT), 16, kind, rows(quarters(values).astype(">u2")), *chunks)


def tiff(size: tuple[int, int], bits: int, photometric: int, data: bytes, tile: int = 0) -> bytes:
    """A little-endian gray TIFF in one strip, or in one tile if `tile` gives its side (packed with zlib then)."""
    width, height = size
    entries = {256: width, 257: height, 258: bits, 259: 1, 262: photometric, 277: 1}
    offset, length = (324, 325) if tile else (273, 279)
    entries |= {322: tile, 323: tile, 259: 8} if tile else {278: height}
    entries |= {length: len(data), offset: 8 + 2 + 12 * (len(entries) + 2) + 4}
    head = b"II*\0" + struct.pack("<IH", 8, len(entries))
    return head + b"".join(struct.pack("<HHII", tag, 4, 1, entries[tag]) for tag in sorted(entries)) + bytes(4) + data


def science(array: np.ndarray, **options: object) -> bytes:
    """A TIFF as microscopes and satellites write them."""
    file = io.BytesIO()
    tifffile.imwrite(file, array, **{"photometric": "minisblack", **options})
    return file.getvalue()


def deflated(side: int) -> bytes:
    """`side` rows of a PNG (or a tile of a TIFF, nearly) of one colour, packed a thousandfold."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(side + 1)) for _ in range(side)) + packer.flush()


def patched(content: bytes, at: int, new: bytes) -> bytes:
    return content[:at] + new + content[at + len(new) :]


def _skipped() -> dict[str, tuple[bytes, str]]:
    rgb = picture()
    good = {"jpg": jpeg(rgb), "png": encode(rgb, "PNG"), "gif": encode(rgb, "GIF"), "webp": encode(rgb, "WEBP")}
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8))
    long = {"jpg": jpeg(noise), "png": encode(noise, "PNG"), "progressive.jpg": jpeg(noise, progressive=True)}
    found = {f"cut-header.{end}": (content[:10], "not an image|broken") for end, content in good.items()}
    for end, content in long.items():
        for share in (1, 10, 50, 90, 99):
            found[f"cut-{share}.{end}"] = content[: len(content) * share // 100], "damaged|broken header|not an image"
    tiny, side = rows(np.zeros((2, 2), np.uint8)), 12_000
    bomb, claim_at = deflated(side), good["jpg"].index(b"\xff\xc0") + 5
    for width, height in ((11_000, 8_000), (12_000, 12_000), (20_000, 20_000)):
        claim = f"{width} x {height} = {width * height // 10**6} megapixels|more than 50 megapixels"
        found[f"bomb-{width}.jpg"] = patched(good["jpg"], claim_at, struct.pack(">HH", height, width)), claim
        found[f"bomb-{width}.png"] = png((width, height), 8, 2, tiny), claim
    real, wave = png((side, side), 8, 0, bomb), encode(rgb, "JPEG2000")
    inside, crc = wave.index(b"\xff\x4f\xff\x51") + 8, good["png"].index(b"IDAT") + 12
    apart = np.moveaxis(quarters(COLOURS * 257), -1, 0)
    lzw, floats = encode(rgb, "TIFF", compression="tiff_lzw"), np.zeros((4, 4), np.float32)
    return found | {
        "bomb-real.png": (real, "12000 x 12000 = 144 megapixels"),
        "bomb-tile.tif": (tiff((16, 16), 8, 1, bomb, tile=side), "144 megapixels"),
        "bomb-inside.jp2": (patched(wave, inside, struct.pack(">II", side, side)), "144 megapixels"),
        "bomb-icon.png": (struct.pack("<3H4B2H2I", 0, 1, 1, 16, 16, 0, 0, 1, 32, len(real), 22) + real, "not an image"),
        "bomb-text.png": (png((2, 2), 8, 0, tiny, (b"zTXt", b"x\0\0" + bomb)), "too large"),
        "bomb-profile.png": (png((2, 2), 8, 0, tiny, (b"iCCP", b"x\0\0" + bomb)), "too large"),
        "empty.jpg": (b"", "^empty file$"),
        "text.jpg": (b"this is no picture\n" * 9, "looks like text"),
        "page.jpg": (b"<!DOCTYPE html>\n<html><body>404</body></html>", "web page"),
        "drawing.jpg": (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        "pointer.png": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
        "photo.heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200), "HEIC"),
        "program.jpg": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n", "looks like text"),
        "crc-pixels.png": (patched(good["png"], crc, b"\xff"), "damaged PNG"),
        "crc-alone.png": (patched(good["png"], len(good["png"]) - 16, b"none"), "damaged PNG"),
        "crc-header.png": (patched(good["png"], 20, b"\1"), "broken header|damaged|not an image"),
        "palette-long.png": (png((2, 2), 8, 3, tiny, (b"PLTE", bytes(6)), (b"tRNS", b"\7" * 300)), "damaged PNG"),
        "no-pixels.png": (png((0, 9), 8, 0, tiny), "broken|no pixels|not an image"),
        "damaged.tif": (patched(lzw, 9, b"\xff" * 9), "damaged TIFF"),
        "float.tif": (encode(Image.fromarray(floats), "TIFF"), "floating-point"),
        "int32.tif": (encode(Image.fromarray(floats.astype(np.int32)), "TIFF"), "whole numbers"),
        "signed.tif": (science(quarters(GRAYS // 2).astype(np.int8)), "whole numbers with a sign"),
        "apart16.tif": (science(apart.astype(np.uint16), photometric="rgb", planarconfig="separate"), "16 bits"),
        "channels.tif": (science(np.zeros((5, 9, 9), np.uint8), planarconfig="separate"), "not an image"),
        "float.ppm": (b"Pf 2 2 -1.0\n" + bytes(16), "floating-point"),
    }  # fmt: skip


def _used() -> dict[str, tuple[bytes, np.ndarray]]:
    rgb, gray, gray3 = picture(), picture(GRAYS, "L"), np.repeat(GRAYS[:, None], 3, 1)
    ink = np.column_stack([255 - COLOURS, np.zeros(4, int)])
    alpha = np.array([255, 128, 0, 255])
    rgba = picture(np.column_stack([COLOURS, alpha]), "RGBA")
    over_white = lambda values: values + (255 - values) * (1 - alpha[:, None] / 255)  # noqa: E731
    no_adobe = jpeg(picture(255 - ink, "CMYK"))
    adobe = no_adobe.index(b"\xff\xee")
    indexed = picture(np.arange(4), "P")
    indexed.putpalette(COLOURS.astype(np.uint8).tobytes())
    first_clear, fine = np.vstack([WHITE, COLOURS[1:]]), COLOURS * 257 + 3
    twelve = quarters(GRAYS * 4095 // 255).astype(np.uint16).reshape(-1, 2)
    packed = np.stack([twelve[:, 0] >> 4, (twelve[:, 0] & 15) << 4 | twelve[:, 1] >> 8, twelve[:, 1] & 255], 1)
    deep = quarters(GRAYS * 257).astype("<u2")
    negative = Image.eval(rgb, lambda value: 255 - value)
    two_bits = np.packbits(np.unpackbits(quarters(np.arange(4)).astype(np.uint8)[..., None], axis=2)[..., 6:])
    corners = np.vstack([0 * WHITE, WHITE, WHITE, 0 * WHITE])
    fourths = np.repeat(np.array([[0], [255], [170], [255]]), 3, 1)  # 85 is the transparent one
    found = {
        "rgb.jpg": (jpeg(rgb), COLOURS),
        "gray.jpg": (jpeg(gray), gray3),
        "cmyk-adobe.jpg": (jpeg(picture(ink, "CMYK")), COLOURS),
        "cmyk-plain.jpg": (no_adobe[:adobe] + no_adobe[adobe + 16 :], COLOURS),
        "cmyk.tif": (encode(picture(ink, "CMYK"), "TIFF"), COLOURS),
        "gray-alpha.png": (encode(picture(np.column_stack([GRAYS, alpha]), "LA"), "PNG"), over_white(gray3)),
        "bilevel.png": (encode(picture(np.array([0, 255, 255, 0]), "L").convert("1"), "PNG"), corners),
        "gray16.png": (deep_png(GRAYS * 257, 0), gray3),
        "gray16-clear.png": (deep_png(GRAYS * 257, 0, (b"tRNS", b"\x0a\x0a")), np.vstack([WHITE, gray3[1:]])),
        "gray2-clear.png": (png(rgb.size, 2, 0, rows(two_bits.reshape(HEIGHT, -1)), (b"tRNS", b"\0\1")), fourths),
        "rgb16.png": (deep_png(COLOURS * 257, 2), COLOURS),
        "rgb16-clear.png": (deep_png(fine, 2, (b"tRNS", struct.pack(">3H", *fine[0]))), first_clear),
        "rgba16.png": (deep_png(np.column_stack([COLOURS, alpha]) * 257, 6), over_white(COLOURS)),
        "rgba.png": (encode(rgba, "PNG"), over_white(COLOURS)),
        "rgba.webp": (encode(rgba, "WEBP", lossless=True), over_white(COLOURS)),
        "gray-alpha16.png": (deep_png(np.column_stack([GRAYS, alpha]) * 257, 4), over_white(gray3)),
        "rgb16.tif": (science(quarters(COLOURS * 257).astype(np.uint16), photometric="rgb"), COLOURS),
        "apart8.tif": (
            science(np.moveaxis(quarters(COLOURS), -1, 0).astype(np.uint8), photometric="rgb", planarconfig="separate"),
            COLOURS,
        ),
        "pages.tif": (science(np.stack([quarters(COLOURS)] * 2).astype(np.uint8), photometric="rgb"), COLOURS),
        "premultiplied.tif": (
            science(
                quarters(np.column_stack([COLOURS * alpha[:, None] // 255, alpha])).astype(np.uint8),
                photometric="rgb", extrasamples=["assocalpha"],
            ),
            over_white(COLOURS),
        ),
        "rgba.tif": (encode(rgba, "TIFF"), over_white(COLOURS)),
        "rgba.jp2": (encode(rgba, "JPEG2000"), over_white(COLOURS)),
        "progressive.jpg": (jpeg(rgb, progressive=True), COLOURS),
        "two.mpo.jpg": (encode(rgb, "MPO", quality=95, subsampling=0, save_all=True, append_images=[rgb]), COLOURS),
        "hundred.ppm": (
            f"P6 {WIDTH} {HEIGHT} 100\n".encode() + (quarters(COLOURS) * 100 / 255).round().astype("u1").tobytes(),
            COLOURS,
        ),
        "palette.png": (encode(indexed, "PNG"), COLOURS),
        "palette-clear.png": (encode(indexed, "PNG", transparency=0), first_clear),
        "palette-alpha.png": (encode(indexed, "PNG", transparency=bytes(alpha.tolist())), over_white(COLOURS)),
        "clear.gif": (encode(indexed, "GIF", transparency=0), first_clear),
        "moving.gif": (encode(indexed, "GIF", save_all=True, append_images=[negative.quantize(4)]), COLOURS),
        "lossless.webp": (encode(rgb, "WEBP", lossless=True), COLOURS),
        "moving.webp": (encode(rgb, "WEBP", lossless=True, save_all=True, append_images=[negative]), COLOURS),
        "plain.bmp": (encode(rgb, "BMP"), COLOURS),
        "deep.pgm": (f"P5 {WIDTH} {HEIGHT} 65535\n".encode() + deep.byteswap().tobytes(), gray3),
        "gray16.tif": (tiff((WIDTH, HEIGHT), 16, 1, deep.tobytes()), gray3),
        "gray16-white-is-zero.tif": (tiff((WIDTH, HEIGHT), 16, 0, (65535 - deep).tobytes()), gray3),
        "gray12.tif": (tiff((WIDTH, HEIGHT), 12, 1, packed.astype(np.uint8).tobytes()), gray3),
        "wide.png": (encode(Image.fromarray(quarters(COLOURS, 10_000, 2).astype(np.uint8)), "PNG"), COLOURS),
        "bad-profile.jpg": (jpeg(rgb, icc_profile=b"no profile" * 99), COLOURS),
        "bad-profile.png": (encode(rgb, "PNG", icc_profile=b"no profile" * 99), COLOURS),
        "broken-exif.jpg": (jpeg(rgb, exif=b"Exif\0\0II*\0\xff\xff\xff\xff"), COLOURS),
        "trailing.jpg": (jpeg(rgb) + b"\0\xff\xd8junk" * 99, COLOURS),
        "trailing.png": (encode(rgb, "PNG") + b"junk" * 99, COLOURS),
        "really-a-png.jpg": (encode(rgb, "PNG"), COLOURS),
    }  # fmt: skip
    turn, exif = Image.Transpose, Image.Exif()
    back = (turn.FLIP_LEFT_RIGHT, turn.ROTATE_180, turn.FLIP_TOP_BOTTOM, turn.TRANSPOSE, turn.ROTATE_90,
            turn.TRANSVERSE, turn.ROTATE_270)  # fmt: skip
    for orientation, stored in enumerate([rgb, *map(rgb.transpose, back)], start=1):
        exif[0x0112] = orientation
        found[f"orientation-{orientation}.jpg"] = jpeg(stored, exif=exif), COLOURS
        found[f"orientation-{orientation}.png"] = encode(stored, "PNG", exif=exif), COLOURS
        found[f"orientation-{orientation}.tif"] = encode(stored, "TIFF", exif=exif), COLOURS
    return found


SKIPPED, USED = _skipped(), _used()


def write_special(folder: Path) -> dict[str, str]:
    """Files that are no files: name -> what the reason says. Opening some of them would wait for ever."""
    (folder / "dangling.jpg").symlink_to("nowhere.jpg")
    (folder / "itself.jpg").symlink_to("itself.jpg")
    (folder / "device.jpg").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.jpg")
    os.mknod(folder / "socket.jpg", stat.S_IFSOCK | 0o600)
    odd = dict.fromkeys(("device.jpg", "pipe.jpg", "socket.jpg"), "not a regular file")
    return {"dangling.jpg": "link to a file that is not there", "itself.jpg": "points at itself"} | odd


def write_all(folder: Path, files: dict[str, tuple[bytes, object]]) -> None:
    for name, (content, _) in files.items():
        write(folder / name, content)


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def small(level: int) -> bytes:
    """A tiny gray picture; another number, up to 65,535, gives another file."""
    return encode(Image.frombytes("L", (2, 1), struct.pack(">H", level)).resize((8, 8)), "PNG")


def snapshot(folder: Path) -> dict[bytes, tuple[int, ...]]:
    """All below a folder with size, time of change, mode and identity: the same later if nothing was written."""
    found = {}
    for place, folders, names in os.walk(os.fsencode(folder)):
        for path in [place, *(place + b"/" + name for name in folders + names)]:
            status = os.lstat(path)
            found[path] = (status.st_size, status.st_mtime_ns, status.st_mode, status.st_ino)
    return found
