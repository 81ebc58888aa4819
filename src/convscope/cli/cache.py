"""`convscope cache`."""

from __future__ import annotations

import math
import time
from enum import Enum
from typing import Annotated

import typer

from ..errors import OutputError, printable
from .output import print_json, print_table

Option = typer.Option


class Action(str, Enum):
    """What to do with the cache."""

    show = "show"
    clear = "clear"


def cache_command(
    action: Annotated[Action, typer.Argument(help="show what is in it, or clear it.")] = Action.show,
    cache: Annotated[str, Option(help="A folder that was given to `train --cache`. Default: the user's own.")] = "auto",
    json: Annotated[bool, Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Show or clear the cache of decoded images.

    It is below CONVSCOPE_CACHE, if that is set, and holds at most CONVSCOPE_CACHE_SIZE (such as 20GB; default: half of
    the free disk); what was not used for longest goes first. Clearing it costs nothing but the time to decode again.
    """
    from ..data.decoding.cache import cache_root, clear, entries, size_limit

    root = cache_root(cache)
    if root is None:
        raise typer.BadParameter("off is no folder", param_hint="--cache")
    if action is Action.clear:
        removed, freed, left = clear(root)
        if left:
            raise OutputError(f"{left} files of {printable(root)} are in use or protected: try again later")
        if json:
            print_json({"folder": str(root), "removed": removed, "bytes": freed})
        else:
            typer.echo(f"{printable(root)}: {removed} files removed, {size_text(freed)}")
        return
    found = entries(root)
    used = sum(entry.bytes for entry in found)
    limit = size_limit(root, used)
    if json:
        files = [{"file": e.path.name, "bytes": e.bytes, "images": e.images, "used": e.used, **e.about} for e in found]
        print_json({"folder": str(root), "bytes": used, "limit": limit, "files": files})
        return
    typer.echo(f"{printable(root)}: {len(found)} files, {size_text(used)} of at most {size_text(limit)}")
    if found:
        typer.echo("")
        rows = [
            (
                f"{e.images:,}", " x ".join(map(str, e.about["settings"]["input_size"])) if e.about else "damaged",
                size_text(e.bytes), time.strftime("%Y-%m-%d %H:%M", time.localtime(e.used)), e.about.get("source", ""),
            )
            for e in found
        ]  # fmt: skip
        print_table([("images", "of", "size", "last used", "from"), *rows], numbers=(0, 2))
        typer.echo("\nremove them   convscope cache clear")


def size_text(count: float) -> str:
    """1,234,567 -> `1.2 MB`."""
    power = min(max(math.floor(math.log10(max(count, 1)) / 3), 0), 4)
    return f"{count / 1000**power:,.{int(power > 0)}f} {('bytes', 'kB', 'MB', 'GB', 'TB')[power]}"
