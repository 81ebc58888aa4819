"""Self-contained HTML pages: the frame, style and macros that the report and the explain page share.

A page is a template that extends `base.html.j2`, and a style sheet that follows `base.css`. Nothing in it refers to
another file or to the network. Every text stands there in English and in Chinese; a switch hides one of them.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import printable
from ..messages.translate import in_chinese

if TYPE_CHECKING:
    from jinja2 import Environment

BASE = Path(__file__).parent
# The headings of a page; with fewer of them it needs no table of contents.
HEADING = re.compile(r"<section([^>]*)>\s*<h2[^>]*>(.*?)</h2>", re.DOTALL)
FEWEST_HEADINGS, CONTENTS = 4, "<!-- contents -->"


def render_page(template: Path, style: Path, **values: Any) -> str:
    """Return the page that a template and a style sheet make of `values`, which must have a `title`."""
    styles = "".join(sheet.read_text(encoding="utf-8") for sheet in (BASE / "base.css", style))
    return with_contents(_environment(template.parent).get_template(template.name).render(style=styles, **values))


def with_contents(page: str) -> str:
    """Return a page with a list of its headings, where it has several; each section gets an `id` if it has none."""
    links: list[str] = []

    def named(found: re.Match[str]) -> str:
        attributes, title = found[1], re.sub(r"<small>.*?</small>", "", found[2], flags=re.DOTALL).strip()
        given = re.search(r'\bid="([^"]*)"', attributes)
        place = given[1] if given else f"part-{len(links) + 1}"
        links.append(f'<a href="#{place}">{title}</a>')
        return found[0] if given else found[0].replace("<section", f'<section id="{place}"', 1)

    named_page = HEADING.sub(named, page)
    if len(links) < FEWEST_HEADINGS:
        return page.replace(CONTENTS, "", 1)
    listed = f'<nav class="contents" aria-label="contents / 目录">{"".join(links)}</nav>'
    return named_page.replace(CONTENTS, listed, 1)


@cache
def _environment(folder: Path) -> Environment:
    """Return what compiles the templates of a folder, each of them once per process."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader([folder, BASE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"shown": printable, "percent": percent, "chinese": in_chinese}
    return environment


def percent(share: float, digits: int = 1) -> str:
    """Return a share as `98.2%`; what is not quite none or all is `< 0.1%` or `> 99.9%`, never `0.0%` or `100.0%`."""
    smallest = 10.0**-digits
    if 0 < 100 * share < smallest / 2:
        return f"< {smallest:g}%"
    text = f"{100 * share:.{digits}f}%"
    return f"> {100 - smallest:.{digits}f}%" if share < 1 and float(text[:-1]) == 100 else text
