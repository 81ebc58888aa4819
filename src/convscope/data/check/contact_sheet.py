"""Write a contact sheet: a few images of each class as the network would see them, as a PNG or an HTML page."""

from __future__ import annotations

import html
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ...errors import UsageError, printable
from ...files import write_atomically
from ...png import png_bytes, png_url
from .report import Report

# In pixels: between images, height of the text, height of a line of text; and the characters of a class name.
GAP, TEXT, LABEL = 6, 16, 20
MIN_WIDTH, MAX_LABEL = 320, 60
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem; }}
h2 {{ font-size: 1rem; margin: 1.2rem 0 .3rem; }}
img {{ width: 96px; height: 96px; object-fit: contain; image-rendering: auto; margin: 0 4px 4px 0; }}
li {{ overflow-wrap: anywhere; }}
</style>
<h1>{title}</h1>
<p>What a network would see, at {size}. &nbsp; <span lang="zh">网络看到的图像（{size}）。</span></p>
{classes}
<h2>{problems}</h2>
<ul>{listed}</ul>
</html>
"""


def write_sheet(report: Report, path: Path) -> None:
    """Write the thumbnails of a report to `path`, a `.png` or an `.html`; UsageError for another suffix."""
    formats = {".png": _picture, ".html": _page}
    if path.suffix.lower() not in formats:
        raise UsageError(f"--output must end in .png or .html, not {printable(repr(path.name))}")
    write_atomically(path, formats[path.suffix.lower()](report))


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


def _page(report: Report) -> bytes:
    classes = []
    for label, images in report.thumbnails.items():
        pictures = "".join(f'<img alt="" src="{png_url(pixels)}">' for pixels in images)
        classes.append(f"<h2>{html.escape(printable(label))}</h2>\n<div>{pictures}</div>")
    first = next((images[0] for images in report.thumbnails.values()), np.zeros((0, 0, 1)))
    items = [
        f"<li>{html.escape(p.severity)}: {html.escape(p.path)}: {html.escape(p.message)}</li>" for p in report.problems
    ]
    problems = "1 problem" if len(items) == 1 else f"{len(items)} problems"
    heading = f"{problems} · {len(items)} 个问题" if items else "No problems · 没有问题"
    return PAGE.format(
        title=html.escape(report.name),
        size=f"{first.shape[1]} x {first.shape[0]}",
        classes="\n".join(classes),
        problems=heading,
        listed="\n".join(items),
    ).encode()
