"""Images that look the same although their files differ: saved anew, scaled, a little brighter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from PIL import Image

# Of 64 and of 256 comparisons of neighbouring pixels, so many may differ.
COARSE, FINE = 3, 12
# Where so many images share a quarter of their coarse bits, it says nothing: blank pages, drawings on white.
CROWD = 200


def appearance(image: Image.Image) -> tuple[int, int]:
    """Two "difference hashes" of a picture, of 64 and 256 bits: is each of its shrunken pixels darker than the next?"""
    gray = image.convert("L")
    return _hash(gray, 8), _hash(gray, 16)


def find_alike(appearances: Sequence[tuple[int, int] | None]) -> list[list[int]]:
    """Groups of at least two indices whose images look the same; None stands for an image that is not compared.

    Two numbers of 64 bits that differ in three places agree in one of four quarters, so only those are compared.
    """
    leader = list(range(len(appearances)))

    def first(i: int) -> int:
        while leader[i] != i:
            leader[i] = leader[leader[i]]
            i = leader[i]
        return i

    for quarter in range(4):
        alike: dict[int, list[int]] = defaultdict(list)
        for i, found in enumerate(appearances):
            if found is not None and found[1]:  # a picture of one colour looks like every other
                alike[found[0] >> 16 * quarter & 0xFFFF].append(i)
        for members in alike.values():
            if len(members) > CROWD:
                continue
            for n, a in enumerate(members):
                for b in members[n + 1 :]:
                    if first(a) != first(b) and _same(appearances[a], appearances[b]):
                        leader[first(b)] = first(a)
    groups: dict[int, list[int]] = defaultdict(list)
    for i in range(len(appearances)):
        groups[first(i)].append(i)
    return [group for group in groups.values() if len(group) > 1]


def _same(a: tuple[int, int] | None, b: tuple[int, int] | None) -> bool:
    assert a is not None and b is not None
    return (a[0] ^ b[0]).bit_count() <= COARSE and (a[1] ^ b[1]).bit_count() <= FINE


def _hash(gray: Image.Image, side: int) -> int:
    pixels = np.asarray(gray.resize((side + 1, side), Image.Resampling.BOX), dtype=np.int16)
    return int.from_bytes(np.packbits(pixels[:, 1:] > pixels[:, :-1]).tobytes(), "big")
