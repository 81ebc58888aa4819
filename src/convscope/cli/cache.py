"""`convscope cache`."""

from __future__ import annotations

import math
import time
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import OutputError, printable
from ..messages.translate import phrase
from .output import print_json, print_table, say
from .parameters import Json


class Action(str, Enum):
    """What to do with the cache."""

    show = "show"
    clear = "clear"


def cache_command(
    action: Annotated[
        Action, typer.Argument(help="Show what the cache holds, or clear it.", metavar="ACTION")
    ] = Action.show,
    cache: Annotated[
        str,
        typer.Option(help="auto (the user's cache folder), or a folder given to `train --cache`.", metavar="WHERE"),
    ] = "auto",
    json: Json = False,
) -> None:
    """Show or clear the cache of decoded images and features.

    Features are what public weights gave for images, kept for the next training. The environment
    variable CONVSCOPE_CACHE moves the user's cache folder; CONVSCOPE_CACHE_SIZE limits its size (such as 20GB; default:
    half of the free disk space). Least recently used files are deleted first. After clearing, images are decoded again
    when they are needed.
    """
    from ..data.decoding.cache_files import cache_root

    root = cache_root(cache)
    if root is None:
        raise typer.BadParameter("off is not a folder", param_hint="--cache")
    if action is Action.clear:
        _clear(root, json)
    else:
        _show(root, json)


def _clear(root: Path, json: bool) -> None:
    from ..data.decoding.cache_files import clear

    removed, freed, left = clear(root)
    if left:
        raise OutputError(f"{printable(root)}: {left} files are in use or protected: try again later")
    if json:
        print_json({"folder": str(root), "removed": removed, "bytes": freed})
    else:
        say(f"{printable(root)}: {removed} files removed, {size_text(freed)}")


def _show(root: Path, json: bool) -> None:
    from ..data.decoding.cache_files import entries, size_limit

    found = entries(root)
    used = sum(entry.bytes for entry in found)
    limit = size_limit(root, used)
    if json:
        files = [{"file": e.path.name, "bytes": e.bytes, "images": e.images, "used": e.used, **e.about} for e in found]
        print_json({"folder": str(root), "bytes": used, "limit": limit, "files": files})
        return
    say(f"{printable(root)}: {len(found)} files, {size_text(used)} of at most {size_text(limit)}")
    if found:
        say()
        print_table([*map(_row, found)], numbers=(0, 2), head=("images", "kept", "size", "last used", "source"))
        say("\nclear it  convscope cache clear")


def _row(entry: Any) -> tuple[str, ...]:
    return (
        f"{entry.images:,}",
        _kept(entry.about["settings"]) if entry.about else "damaged",
        size_text(entry.bytes),
        time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.used)),
        entry.about.get("source", ""),
    )


def _kept(settings: dict[str, Any]) -> str:
    """Return what is kept of each image: pixels of a size, or features of a network."""
    if "features" in settings:
        return phrase("{n} features", n=f"{settings['features']:,}")
    return " x ".join(map(str, settings["input_size"]))


def size_text(count: float) -> str:
    """1,234,567 -> `1.2 MB`."""
    power = min(max(math.floor(math.log10(max(count, 1)) / 3), 0), 4)
    return f"{count / 1000**power:,.{int(power > 0)}f} {('bytes', 'kB', 'MB', 'GB', 'TB')[power]}"
