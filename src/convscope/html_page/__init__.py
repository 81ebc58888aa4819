"""Self-contained HTML pages: the frame, style and macros that the report and the explain page share.

A page is a template that extends `base.html.j2`, and a style sheet that follows `base.css`. Nothing in it refers to
another file or to the network. Every text stands there in English and in Chinese; a switch hides one of them.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import printable
from ..messages.translate import in_chinese

if TYPE_CHECKING:
    from jinja2 import Environment

BASE = Path(__file__).parent


def render_page(template: Path, style: Path, **values: Any) -> str:
    """Return the page that a template and a style sheet make of `values`, which must have a `title`."""
    styles = "".join(sheet.read_text(encoding="utf-8") for sheet in (BASE / "base.css", style))
    return _environment(template.parent).get_template(template.name).render(style=styles, **values)


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
    """Return a share as `98.2%`; one that is too small to show is `< 0.1%`, never `0.0%`."""
    smallest = 10.0**-digits
    return f"< {smallest:g}%" if 0 < 100 * share < smallest / 2 else f"{100 * share:.{digits}f}%"
