"""Make folders of photos, decode them with a cache, and compare what came out."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from convscope.data import Preprocess, load_data
from convscope.data.decoded import Decoded, Reading, decode_data

COLOUR = Preprocess((3, 16, 20), mean=(0.5,) * 3, std=(0.5,) * 3)


def make_photos(root: Path, images: int = 20, seed: int = 0) -> Path:
    """Make two classes of colourful JPEG and PNG files of several sizes, and one broken file."""
    random = np.random.default_rng(seed)
    for i in range(images):
        folder = root / "ab"[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        small = random.integers(0, 256, (5, 6, 3), dtype=np.uint8)
        image = Image.fromarray(small).resize((60 + i, 40 + 2 * i), Image.Resampling.BICUBIC)
        image.save(folder / f"{i:02d}.{'jpg' if i % 3 else 'png'}")
    (root / "a" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no image")
    return root


def decode_folder(root: Path, cache: Path | str, preprocess: Preprocess = COLOUR) -> dict[str, Decoded]:
    return decode_data(load_data(root), preprocess, reading=Reading(os.fspath(cache), workers=2))


def same(one: dict[str, Decoded], two: dict[str, Decoded]) -> bool:
    return one.keys() == two.keys() and all(
        torch.equal(one[name].pixels[:], two[name].pixels[:])
        and torch.equal(one[name].labels, two[name].labels)
        and (one[name].names, one[name].skipped) == (two[name].names, two[name].skipped)
        and one[name].identity() == two[name].identity()
        and one[name].statistics() == two[name].statistics()
        for name in one
    )


def sums(parts: dict[str, Decoded]) -> list[tuple[str, int]]:
    """Return for each split the class of its pixels and their sum."""
    return [(type(part.pixels).__name__, int(part.pixels[:].sum())) for part in parts.values()]


def files(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir())
