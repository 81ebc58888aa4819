"""The tutorials' own task: find our logo among pictures. Draws them, trains, and shows where the network looks.

    pip install '.[heads,superpixels]'    # scikit-learn and scikit-image, for their photographs
    python examples/logo/find_logo.py [--minutes 3] [--folder runs/logo]

prints how many of 200 new pictures, on photographs that the training never saw, are told apart, and in how many of
those with the logo the heat map is hottest on it. FOLDER/found.png shows some of them.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import matplotlib
import numpy as np
import torch
from pictures import write_pictures
from PIL import Image, ImageDraw

import convscope as cs
from convscope.files import free_folder
from convscope.insight import attribute


def hottest(heat: np.ndarray) -> tuple[int, int]:
    """Row and column of the largest value."""
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    return int(row), int(column)


def heat_maps(classifier: cs.Classifier, paths: list[Path], label: int) -> np.ndarray:
    """N x H x W, at the size of the network's input: what speaks for the class (HiResCAM)."""
    pixels = classifier.preprocess.batch(Image.open(path) for path in paths)
    images = classifier.preprocess.normalize(pixels)
    return torch.cat([attribute(classifier.network, some, "hires-cam", label) for some in images.split(32)]).numpy()


def overlay(path: Path, heat: np.ndarray, box: list[int]) -> Image.Image:
    """The picture under its heat map, with the true box and the hottest point."""
    image = Image.open(path).convert("RGB")
    warm = heat.clip(0) / max(float(heat.max()), 1e-9)
    colours = (matplotlib.colormaps["inferno"](warm)[:, :, :3] * 255).astype(np.uint8)
    over = Image.fromarray(colours).resize(image.size, Image.Resampling.BILINEAR)
    mask = Image.fromarray((warm * 190).astype(np.uint8)).resize(image.size, Image.Resampling.BILINEAR)
    image.paste(over, (0, 0), mask)
    row, column = (at * image.width / len(heat) for at in hottest(heat))
    pen = ImageDraw.Draw(image)
    pen.rectangle(box, outline=(255, 255, 255), width=2)
    pen.ellipse((column - 4, row - 4, column + 4, row + 4), outline=(0, 255, 160), width=2)
    return image


def sheet(images: list[Image.Image], columns: int = 6) -> Image.Image:
    """The images side by side."""
    width, height = images[0].size
    whole = Image.new("RGB", (columns * width, -(-len(images) // columns) * height))
    for i, image in enumerate(images):
        whole.paste(image, (i % columns * width, i // columns * height))
    return whole


def main() -> None:
    """Draw, train, try, look."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3, help="how long to train")
    parser.add_argument("--count", type=int, default=300, help="pictures a class to learn from")
    parser.add_argument("--folder", type=Path, default=Path("runs/logo"))
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    folder = free_folder(given.folder.parent, given.folder.name)
    write_pictures(folder, given.count, given.seed)
    print(f"pictures in {folder}")

    run = cs.train(folder / "train", time_budget=60 * given.minutes, seed=given.seed, output=folder, name="run")
    classifier = run.classifier

    paths = sorted((folder / "new").rglob("*.jpg"))
    answers = [found[0] for found in classifier.predict(paths)]
    right = [answer.label == path.parent.name for answer, path in zip(answers, paths, strict=True)]
    print(f"{np.mean(right):.1%} of {len(paths)} new pictures are told apart")

    with (folder / "places.csv").open(encoding="utf-8", newline="") as file:
        places = {row.pop("path"): [int(value) for value in row.values()] for row in csv.DictReader(file)}
    with_logo = [path for path in paths if path.parent.name == "logo"]
    heat = heat_maps(classifier, with_logo, classifier.class_names.index("logo"))
    boxes = [places[path.relative_to(folder).as_posix()] for path in with_logo]
    hits = []
    for map_, (left, top, right_, bottom), path in zip(heat, boxes, with_logo, strict=True):
        row, column = (at * Image.open(path).width / len(map_) for at in hottest(map_))
        hits.append(left <= column <= right_ and top <= row <= bottom)
    print(f"in {np.mean(hits):.1%} of the {len(hits)} with the logo the heat map is hottest on it")
    found = [overlay(path, map_, box) for path, map_, box in zip(with_logo, heat, boxes, strict=True)]
    sheet(found[:24]).save(folder / "found.png")
    print(f"look at {folder / 'found.png'} and {run.folder / 'report.html'}")
    print(f"try it on your own pictures: convscope predict {run.folder} PICTURE...")


if __name__ == "__main__":
    main()
