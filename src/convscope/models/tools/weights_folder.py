"""Find public weights in a folder into which they were downloaded elsewhere (`--weights-dir`, CONVSCOPE_WEIGHTS)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ...errors import UsageError, printable

VARIABLE = "CONVSCOPE_WEIGHTS"
ENDINGS = (".safetensors", ".pth", ".bin", ".pt")
HUB_FILES = ("model.safetensors", "pytorch_model.bin")


def find_downloaded(folder: str | Path | None, names: Iterable[str]) -> Path | None:
    """Return the first file called one of `names` in or below `folder`, by default that of CONVSCOPE_WEIGHTS.

    None if there is no folder or no such file; UsageError if the folder does not exist.
    """
    place = folder or os.environ.get(VARIABLE)
    if not place:
        return None
    if not Path(place).is_dir():
        source = "weights_dir" if folder else VARIABLE
        raise UsageError(f"{source} {printable(place)}: no such folder")
    files = sorted(path for path in Path(place).rglob("*") if path.suffix in ENDINGS and path.is_file())
    return next((file for name in names for file in files if file.as_posix().endswith(f"/{name}")), None)


def find_of_timm(folder: str | Path | None, name: str, tag: str, url: str, hub: str) -> Path | None:
    """Return a file of the weights `name.tag` of timm, as downloaded from `url` or from the hub's repository `hub`."""
    full = f"{name}.{tag}" if tag else name
    exact = [f"{full}{ending}" for ending in ENDINGS]
    repositories = [hub.rpartition("/")[2]] if hub else []
    copies = [f"{repository}/{file}" for repository in [*repositories, full] for file in HUB_FILES]
    found = find_downloaded(folder, [*exact, *copies, *([url.rpartition("/")[2]] if url else [])])
    if found is not None or not hub:
        return found
    # As the hub's own cache lays them out: models--OWNER--NAME/snapshots/REVISION/FILE.
    place = Path(folder or os.environ.get(VARIABLE) or "")
    cached = f"models--{hub.replace('/', '--')}"
    if place.name and place.is_dir():
        snapshots = (path for path in sorted(place.rglob(f"{cached}/snapshots/*/*")) if path.name in HUB_FILES)
        return next(snapshots, None)
    return None
