"""Write a data set as tar shards in the layout of WebDataset, for disks that are slow with many small files."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError, OutputError, printable
from ..files import write_folder_atomically
from ..png import png_bytes
from ..problems import warn
from .image_file import IMAGE_SUFFIXES, UnreadableImage, read_bytes
from .image_file.header import open_image
from .sources.remote_folder import INDEX, SHARD_INDEX
from .split import Data, Split

# Images of a shard lie in random order, so that programs which read shards from end to end see mixed classes.
SEED = 0
# The two blocks of 512 bytes that a file takes at least, beside its content.
HEADER_BYTES = 1024


@dataclass
class Shards:
    """What was written: by shard its `name`, `images` and `bytes`; `skipped` has the files that cannot be read."""

    shards: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    @property
    def images(self) -> int:
        """The number of images in all shards."""
        return sum(shard["images"] for shard in self.shards)


def write_shards(data: Data, folder: Path, shard_bytes: int) -> Shards:
    """Write every split as shards of about `shard_bytes` into a new `folder`; OutputError if that is not empty.

    Files are copied as they are; images of arrays become PNG files. Each image has a `.json` with its label or labels
    and its name, and, where it has one label, a `.cls` with the number of its class.
    """
    if not any(len(split) for split in data.splits.values()):
        raise DataError(f"{printable(data.name)}: there is no image to write")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{printable(folder)} is not an empty folder: give another --output")
    written = Shards()

    def fill(place: Path) -> None:
        for name, split in data.splits.items():
            _write_split(data, name, split, place, shard_bytes, written)
        index = {"format": 1, "class_names": data.class_names, "shards": written.shards}
        (place / INDEX).write_text(json.dumps(index, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    if folder.is_dir():
        folder.rmdir()
    folder.parent.mkdir(parents=True, exist_ok=True)
    write_folder_atomically(folder, fill)
    return written


def _write_split(data: Data, name: str, split: Split, place: Path, shard_bytes: int, written: Shards) -> None:
    archive: tarfile.TarFile | None = None
    entry: dict[str, Any] = {}
    places: list[tuple[str, int, int, str | list[str]]] = []
    for number, index in enumerate(np.random.default_rng(SEED).permutation(len(split))):
        try:
            files = list(_files(data, split, int(index), number))
        except UnreadableImage as problem:
            warn("skipped", split.names[index], str(problem))
            written.skipped.append(split.names[index])
            continue
        if archive is None or archive.offset > shard_bytes:
            _close(archive, entry, place, places)
            places = []
            entry = {"name": f"{name}-{sum(s['split'] == name for s in written.shards):06d}.tar", "split": name}
            entry |= {"images": 0, "bytes": 0}
            written.shards.append(entry)
            archive = tarfile.open(place / entry["name"], "w", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        label = _label(data, split, int(index))
        places.append((files[0][0], archive.offset + tarfile.BLOCKSIZE, len(files[0][1]), label))
        for path, content in files:
            info = tarfile.TarInfo(path)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        entry["images"] += 1
    _close(archive, entry, place, places)


def _close(archive: tarfile.TarFile | None, entry: dict[str, Any], place: Path, places: list[Any]) -> None:
    """Finish a shard, and write its index: where each image lies and what its label is, so that nobody need search."""
    if archive is not None:
        archive.close()
        entry["bytes"] = (place / entry["name"]).stat().st_size
        index = {"bytes": entry["bytes"], "images": places}
        (place / f"{entry['name']}{SHARD_INDEX}").write_bytes(_json(index))


def _files(data: Data, split: Split, index: int, number: int) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the files of one image, the image first."""
    name, key = split.names[index], f"{number:08d}"
    item = split.images[index]
    if isinstance(item, np.ndarray):
        yield f"{key}.png", png_bytes(item)
    else:
        content = read_bytes(item)
        yield f"{key}{_suffix(name, content)}", content
    label = _label(data, split, index)
    if data.multi_label:
        yield f"{key}.json", _json({"labels": label, "name": name})
    else:
        yield f"{key}.json", _json({"label": label, "name": name})
        yield f"{key}.cls", str(int(split.labels[index])).encode()


def _label(data: Data, split: Split, index: int) -> str | list[str]:
    """Return the name of an image's class, or a list of its labels."""
    label = split.labels[index]
    if data.multi_label:
        return [data.class_names[i] for i in np.flatnonzero(label)]
    return data.class_names[int(label)]


def _suffix(name: str, content: bytes) -> str:
    """Return the suffix of an image's name, or one that says the format if the name has none."""
    suffix = Path(name).suffix.lower()
    if suffix in IMAGE_SUFFIXES:
        return suffix
    kind = (open_image(io.BytesIO(content)).format or "png").lower()
    return f".{'jpg' if kind == 'jpeg' else kind}"


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogateescape")
