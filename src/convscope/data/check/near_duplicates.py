"""Find near-duplicates: images that look the same although their files differ, as after rescaling or recompression.

Hashes find the candidates quickly; their shrunken pictures must correlate nearly perfectly, since different digits
often have the same hashes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from PIL import Image

# Near-duplicates may differ in at most this many of the 64 and of the 256 bits of their hashes.
COARSE, FINE = 3, 12
# The side to which pictures are shrunk, and how similar near-duplicates then are (correlation).
SIDE, LIKE = 16, 0.99
# A quarter of coarse bits that more images share says nothing: blank pages, drawings on white.
MOST_SHARING = 200

Hashes = tuple[int, int]


def difference_hashes(image: Image.Image) -> Hashes:
    """Return difference hashes of 64 and 256 bits: is each pixel of the shrunken picture darker than the next one?"""
    gray = image.convert("L")
    return _difference_hash(gray, 8), _difference_hash(gray, 16)


def find_near_duplicates(
    hashes: Sequence[Hashes | None], pictures: Sequence[np.ndarray | None] | None = None
) -> list[list[int]]:
    """Return groups of at least two indices whose images look the same; None is for an image that is not compared.

    `pictures` (gray, uint8, with sides that 16 divides) confirm what the hashes say. Two numbers of 64 bits that differ
    in at most three bits have one of four quarters in common, so only those that do are compared.
    """
    # Union-find: each index leads, by way of others, to the first index of its group.
    leader = list(range(len(hashes)))
    shrunken = [None if picture is None else _shrunken(picture) for picture in pictures or [None] * len(hashes)]

    def first(i: int) -> int:
        while leader[i] != i:
            leader[i] = leader[leader[i]]
            i = leader[i]
        return i

    for quarter in range(4):
        sharing: dict[int, list[int]] = defaultdict(list)
        for i, pair in enumerate(hashes):
            if pair is not None and pair[1]:  # a picture of one colour looks like every other one
                sharing[pair[0] >> 16 * quarter & 0xFFFF].append(i)
        for members in sharing.values():
            if len(members) > MOST_SHARING:
                continue
            for n, a in enumerate(members):
                for b in members[n + 1 :]:
                    if (
                        first(a) != first(b)
                        and _look_the_same(hashes[a], hashes[b])
                        and _alike(shrunken[a], shrunken[b])
                    ):
                        leader[first(b)] = first(a)
    groups: dict[int, list[int]] = defaultdict(list)
    for i in range(len(hashes)):
        groups[first(i)].append(i)
    return [group for group in groups.values() if len(group) > 1]


def _look_the_same(a: Hashes | None, b: Hashes | None) -> bool:
    assert a is not None and b is not None
    return (a[0] ^ b[0]).bit_count() <= COARSE and (a[1] ^ b[1]).bit_count() <= FINE


def _shrunken(picture: np.ndarray) -> np.ndarray:
    """Return a picture at 16 x 16 pixels as a row of mean 0 and length 1; all 0 for one of one colour."""
    height, width = (side // SIDE for side in picture.shape)
    row = picture.reshape(SIDE, height, SIDE, width).mean((1, 3), dtype=np.float32).ravel()
    row -= row.mean()
    return row / max(float(np.linalg.norm(row)), 1e-3)


def _alike(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    return a is None or b is None or float(a @ b) >= LIKE


def _difference_hash(gray: Image.Image, side: int) -> int:
    pixels = np.asarray(gray.resize((side + 1, side), Image.Resampling.BOX), dtype=np.int16)
    return int.from_bytes(np.packbits(pixels[:, 1:] > pixels[:, :-1]).tobytes(), "big")
