"""Near-duplicates are found among real photos that were resized, brightened and recompressed."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageEnhance
from skimage import data as photos

import convscope as cs
from convscope.data.check.near_duplicates import difference_hashes, find_near_duplicates
from convscope.data.check.report import check_data
from convscope.data.check.transformed_copies import find_transformed_copies, small_picture


def test_images_that_look_the_same(tmp_path):
    sources = [Image.fromarray(photo) for photo in (photos.astronaut(), photos.chelsea(), photos.coffee(),
                                                    photos.rocket(), photos.camera())]  # fmt: skip
    changed = [
        lambda image: image.resize((150, 140)),
        lambda image: ImageEnhance.Brightness(image).enhance(1.15),
        lambda image: image.convert("L"),
    ]
    pictures = [*sources, *(change(image) for image in sources for change in changed)]
    groups = find_near_duplicates([difference_hashes(image) for image in pictures])
    assert sorted(map(sorted, groups)) == [[i, *range(5 + 3 * i, 8 + 3 * i)] for i in range(5)]
    assert find_near_duplicates([difference_hashes(Image.new("RGB", (9, 9), c)) for c in ("red", "blue")]) == []
    for c in "ab":
        (tmp_path / c).mkdir()
        for i, image in enumerate(sources[:4]):
            image.transpose(i + (2 if c == "b" else 0)).save(tmp_path / c / f"{i}.png")
    sources[0].save(tmp_path / "a/x.png")
    sources[0].save(tmp_path / "b/x.jpg", quality=60)
    kinds = {(p.kind, p.message) for p in check_data(tmp_path, near=True).problems if p.kind.startswith("near")}
    assert ("near-two-labels", "images that look the same under two labels: a/x.png and b/x.jpg") in kinds
    assert not [p for p in check_data(tmp_path).problems if p.kind.startswith("near")]


def test_mirrored_and_cropped_copies(tmp_path):
    sources = [Image.fromarray(photo) for photo in (photos.astronaut(), photos.chelsea(), photos.coffee())]
    for i, image in enumerate(sources):
        for c, saved in (("a", image), ("b", image.transpose(Image.Transpose.FLIP_LEFT_RIGHT))):
            (tmp_path / c).mkdir(exist_ok=True)
            w, h = image.size
            box = (0, 0, w, h) if c == "a" else (w // 8, h // 10, w, h - h // 16)
            saved.crop(box).resize((200, 160)).save(tmp_path / c / f"{i}.png")
    found = [p for p in check_data(tmp_path, near=True).problems if p.kind == "transformed"]
    assert sorted(tuple(sorted(p.images)) for p in found) == [(f"a/{i}.png", f"b/{i}.png") for i in range(3)]
    assert all("under two labels" in p.message for p in found)
    assert not [p for p in check_data(tmp_path).problems if p.kind == "transformed"]


def test_different_digits_do_not_look_the_same():
    """Hundreds of ones have the same hashes."""
    part = cs.load_data("mnist-5k").split("all")
    ones = [Image.fromarray(part.images[i]) for i in np.flatnonzero(part.labels == 1)]
    hashes, pictures = [difference_hashes(image) for image in ones], [small_picture(image) for image in ones]
    assert max(map(len, find_near_duplicates(hashes))) > 300
    assert sum(map(len, find_near_duplicates(hashes, pictures))) <= 20


def test_small_photos_that_were_resized_are_found():
    """They have lost details, and keep what is left."""
    photos_of = (photos.astronaut(), photos.coffee(), photos.chelsea(), photos.rocket())
    tiles = [photo[y : y + 96, x : x + 96] for photo in photos_of for y in (0, 96, 192) for x in (0, 96, 192, 288)]
    small = [Image.fromarray(tile).convert("L").resize((32, 32)) for tile in tiles if tile.std() > 30]
    copies = [image.resize((18, 21)) for image in small]
    found = find_transformed_copies([small_picture(image) for image in (*small, *copies)])
    true = {(i, i + len(small)) for i in range(len(small))}
    assert len(true & {pair[:2] for pair in found}) >= 0.9 * len(small) > 25
    assert len(found) <= len(small) + 1 and np.mean([pair[2] for pair in found]) > 0.985
