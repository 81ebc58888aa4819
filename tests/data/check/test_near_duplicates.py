"""Near-duplicates are found among real photos that were resized, brightened and recompressed."""

from __future__ import annotations

from PIL import Image, ImageEnhance
from skimage import data as photos

from convscope.data.check.near_duplicates import difference_hashes, find_near_duplicates
from convscope.data.check.report import check_data


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
