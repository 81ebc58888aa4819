"""The HTML of the page as one file: style sheets and icons inside, scripts and everything else as packed parts."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable

from ..http.static_files import PAGE
from .bundler import bundle
from .packing import Part

LOADER = "file/loader.js"
# Whatever the file holds, the browser then lets it reach nothing outside.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval' blob:; worker-src blob:; "
    "style-src 'unsafe-inline'; img-src data: blob:; media-src blob: mediastream:; base-uri 'none'; form-action 'none'"
)
# Files of the page that it reads while it runs.
OWN_FILES = ("i18n/en.json", "i18n/zh.json", "convolution/cat.png", "convolution/astronaut.png")


def page_parts() -> list[Part]:
    """Return the parts that are the page itself."""
    program = Part.of("program", bundle(PAGE, frozenset([LOADER])).encode())
    return [program, *(Part.of(name, (PAGE / name).read_bytes()) for name in OWN_FILES)]


def page_html(title: str, parts: Iterable[Part]) -> str:
    """Return the page with these parts, which must be those of the page and those that it is given."""
    text = (PAGE / "index.html").read_text(encoding="utf-8")
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    text = text.replace('<meta charset="utf-8">', f'<meta charset="utf-8">\n  {policy}', 1)
    text = re.sub(r'<script type="module" src="[^"]+"></script>', "", text)
    text = re.sub(r'<link rel="stylesheet" href="([^"]+)">', _style, text)
    text = re.sub(r'\b(href|src)="([^"#:]+\.svg)"', _icon, text)
    text = re.sub(r"<title>.*?</title>", lambda _: f"<title>{html.escape(title)}</title>", text)
    loader = f"<script>\n{(PAGE / LOADER).read_text(encoding='utf-8')}</script>\n"
    start, end = text.rsplit("</body>", 1)
    return "".join([start, *(part.html() for part in parts), loader, "</body>", end])


def _style(match: re.Match[str]) -> str:
    return f"<style>\n{(PAGE / match[1]).read_text(encoding='utf-8')}</style>"


def _icon(match: re.Match[str]) -> str:
    content = base64.b64encode((PAGE / match[2]).read_bytes()).decode()
    return f'{match[1]}="data:image/svg+xml;base64,{content}"'
