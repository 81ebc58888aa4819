"""Write a contact sheet: a few images of each class as the network would see them, as a PNG."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from ...errors import printable
from ...files import write_atomically
from ...png import png_bytes
from .report import Report

# In pixels: between images, height of the text, height of a line of text; and the characters of a class name.
GAP, TEXT, LABEL = 6, 16, 20
MIN_WIDTH, MAX_LABEL = 320, 60


def write_sheet(report: Report, path: Path) -> None:
    """Write the thumbnails of a report to `path`, as a PNG."""
    write_atomically(path, _picture(report))


def _picture(report: Report) -> bytes:
    rows = list(report.thumbnails.items())
    height, width = rows[0][1][0].shape[:2] if rows else (1, 1)
    across = max((len(images) for _, images in rows), default=1)
    size = (GAP + across * (width + GAP), GAP + len(rows) * (LABEL + height + GAP))
    sheet = Image.new("RGB", (max(size[0], MIN_WIDTH), size[1]), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(TEXT)
    for row, (label, images) in enumerate(rows):
        top = GAP + row * (LABEL + height + GAP)
        pen.text((GAP, top), printable(label)[:MAX_LABEL], fill="black", font=font)
        for column, pixels in enumerate(images):
            image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
            sheet.paste(image, (GAP + column * (width + GAP), top + LABEL))
    return png_bytes(sheet)
