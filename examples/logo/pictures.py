"""Draw pictures for the task "is the logo in it?": a logo, or other marks, on real photographs.

    pip install '.[heads,superpixels]'    # scikit-learn and scikit-image, for their photographs
    python examples/logo/pictures.py FOLDER [--count 300] [--seed 0]

Writes FOLDER/train/logo, FOLDER/train/other (with the photographs that scikit-image ships) and FOLDER/new/logo,
FOLDER/new/other (with photographs that the training does not see), and FOLDER/places.csv with the boxes of the logos.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance
from skimage import data
from sklearn.datasets import load_sample_image

SIDE = 192
BLUE, ORANGE, WHITE = (20, 92, 160), (240, 140, 30), (250, 250, 250)
Box = tuple[int, int, int, int]


def photographs() -> tuple[list[Image.Image], list[Image.Image]]:
    """Return the photographs for training, and others for the new pictures."""
    learn = [data.astronaut(), data.coffee(), data.camera(), data.brick(), data.grass(), data.hubble_deep_field()]
    learn += [data.page(), data.retina(), load_sample_image("china.jpg")]
    new = [data.chelsea(), data.rocket(), data.gravel(), data.coins(), load_sample_image("flower.jpg")]
    first, second = ([Image.fromarray(photo).convert("RGB") for photo in photos] for photos in (learn, new))
    return first, second


def logo(size: int) -> Image.Image:
    """Draw the logo: an orange lens with a white grid of nine squares, on a blue tile with round corners."""
    tile = Image.new("RGBA", (size, size))
    pen = ImageDraw.Draw(tile)
    pen.rounded_rectangle((0, 0, size - 1, size - 1), size // 5, BLUE)
    pen.ellipse(_share(size, 0.12, 0.12, 0.80, 0.80), outline=ORANGE, width=size // 11)
    pen.line(_share(size, 0.70, 0.70, 0.90, 0.90), fill=ORANGE, width=size // 9)
    for row in range(3):
        for column in range(3):
            left, top = 0.30 + 0.12 * column, 0.30 + 0.12 * row
            pen.rectangle(_share(size, left, top, left + 0.08, top + 0.08), WHITE)
    return tile


def other_mark(size: int, generator: np.random.Generator) -> Image.Image:
    """Draw another mark in similar colours: a letter of bars, a star, rings, a chequered or a plain tile."""
    mark = Image.new("RGBA", (size, size))
    pen = ImageDraw.Draw(mark)
    one, two = (BLUE, ORANGE) if generator.random() < 0.5 else (ORANGE, WHITE)
    kind = generator.integers(5)
    if kind == 0:
        for share in (0.0, 0.36, 0.72):
            pen.rectangle(_share(size, share, 0.0, share + 0.22, 1.0), one)
        pen.rectangle(_share(size, 0.0, 0.4, 0.94, 0.6), two)
    elif kind == 1:
        angles = [math.pi * (i / 5 - 0.5) for i in range(10)]
        radii = [0.5 if i % 2 == 0 else 0.2 for i in range(10)]
        points = [
            (size * (0.5 + r * math.cos(a)), size * (0.5 + r * math.sin(a))) for r, a in zip(radii, angles, strict=True)
        ]
        pen.polygon(points, one, two)
    elif kind == 2:
        for share, colour in ((0.0, one), (0.15, two), (0.3, one)):
            pen.ellipse(_share(size, share, share, 1 - share, 1 - share), colour)
    elif kind == 3:
        pen.rectangle((0, 0, size, size), one)
        for row in range(4):
            for column in range(row % 2, 4, 2):
                pen.rectangle(_share(size, column / 4, row / 4, (column + 1) / 4, (row + 1) / 4), two)
    else:
        pen.rounded_rectangle((0, 0, size - 1, size - 1), size // 5, one)
        pen.ellipse(_share(size, 0.3, 0.3, 0.7, 0.7), two)
    return mark


def picture(
    photos: list[Image.Image], with_logo: bool, generator: np.random.Generator
) -> tuple[Image.Image, Box | None]:
    """Draw a picture with the logo at a random position, size, angle and brightness; return it and the logo's box.

    Three of four pictures without the logo have another mark. Their box is None.
    """
    image = _background(photos, generator)
    if not with_logo:
        if generator.random() < 0.75:
            _paste(image, other_mark(256, generator), generator)
        return _lit(image, generator), None
    if generator.random() < 0.3:  # sometimes both
        _paste(image, other_mark(256, generator), generator)
    box = _paste(image, logo(256), generator)
    return _lit(image, generator), box


def _background(photos: list[Image.Image], generator: np.random.Generator) -> Image.Image:
    photo = photos[generator.integers(len(photos))]
    side = int(min(photo.size) * generator.uniform(0.5, 1))
    left, top = (int(generator.integers(length - side + 1)) for length in photo.size)
    image = photo.resize((SIDE, SIDE), Image.Resampling.BICUBIC, (left, top, left + side, top + side))
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if generator.random() < 0.5 else image


def _paste(image: Image.Image, mark: Image.Image, generator: np.random.Generator) -> Box:
    size = int(SIDE * generator.uniform(0.2, 0.45))
    mark = mark.resize((size, size), Image.Resampling.LANCZOS)
    mark = mark.rotate(generator.uniform(-25, 25), Image.Resampling.BICUBIC, expand=True)
    left, top = (int(generator.integers(SIDE - length + 1)) for length in mark.size)
    image.paste(mark, (left, top), mark)
    return left, top, left + mark.width, top + mark.height


def _lit(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    image = ImageEnhance.Brightness(image).enhance(generator.uniform(0.6, 1.3))
    image = ImageEnhance.Color(image).enhance(generator.uniform(0.6, 1.2))
    noise = generator.normal(0, generator.uniform(0, 8), (SIDE, SIDE, 1))
    return Image.fromarray((np.asarray(image) + noise).clip(0, 255).astype(np.uint8))


def _share(size: int, *shares: float) -> list[float]:
    return [size * share for share in shares]


def write_pictures(folder: Path, count: int, seed: int = 0, new: int = 100) -> None:
    """Write `count` training pictures and `new` new ones per class, as JPEG files of quality 80 to 95."""
    generator = np.random.default_rng(seed)
    learn, others = photographs()
    places: list[tuple[str, ...]] = [("path", "left", "top", "right", "bottom")]
    number: dict[str, tuple[list[Image.Image], int]] = {"train": (learn, count), "new": (others, new)}
    make: dict[str, Callable[[list[Image.Image]], tuple[Image.Image, Box | None]]] = {
        "logo": lambda photos: picture(photos, True, generator),
        "other": lambda photos: picture(photos, False, generator),
    }
    for part, (photos, amount) in number.items():
        for name, draw in make.items():
            (folder / part / name).mkdir(parents=True, exist_ok=True)
            for i in range(amount):
                image, box = draw(photos)
                path = f"{part}/{name}/{i:04d}.jpg"
                image.save(folder / path, quality=int(generator.integers(80, 96)))
                if box is not None:
                    places.append((path, *map(str, box)))
    with (folder / "places.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(places)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=300, help="number of training pictures per class")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    write_pictures(given.folder, given.count, given.seed)
    print(f"pictures in {given.folder}: train/ for training, new/ for evaluation, places.csv with the logos' boxes")
