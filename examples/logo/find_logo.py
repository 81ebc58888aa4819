"""Find a logo among pictures: draw the pictures, train a classifier, and show where the network looks.

    pip install '.[heads,superpixels]'    # scikit-learn and scikit-image, for their photographs
    python examples/logo/find_logo.py [--minutes 3] [--folder runs/logo]

Prints the accuracy on 200 new pictures, on photographs that the training has not seen, and for the pictures with the
logo how often the maximum of the heat map lies on it. FOLDER/found.png shows some of them.
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

Box = tuple[int, int, int, int]


def maximum(heat: np.ndarray) -> tuple[int, int]:
    """Return row and column of the largest value."""
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    return int(row), int(column)


def heat_maps(classifier: cs.Classifier, paths: list[Path], label: int) -> np.ndarray:
    """Return HiResCAM heat maps for a class, N x H x W at the size of the network's input."""
    pixels = classifier.preprocess.batch(Image.open(path) for path in paths)
    images = classifier.preprocess.normalize(pixels)
    return torch.cat([attribute(classifier.network, some, "hires-cam", label) for some in images.split(32)]).numpy()


def overlay(path: Path, heat: np.ndarray, box: Box) -> Image.Image:
    """Return the picture under its heat map, with the box of the logo and the maximum of the map."""
    image = Image.open(path).convert("RGB")
    positive = heat.clip(0) / max(float(heat.max()), 1e-9)
    colours = (matplotlib.colormaps["inferno"](positive)[:, :, :3] * 255).astype(np.uint8)
    heat_image = Image.fromarray(colours).resize(image.size, Image.Resampling.BILINEAR)
    mask = Image.fromarray((positive * 190).astype(np.uint8)).resize(image.size, Image.Resampling.BILINEAR)
    image.paste(heat_image, (0, 0), mask)
    row, column = (index * image.width / len(heat) for index in maximum(heat))
    pen = ImageDraw.Draw(image)
    pen.rectangle(box, outline=(255, 255, 255), width=2)
    pen.ellipse((column - 4, row - 4, column + 4, row + 4), outline=(0, 255, 160), width=2)
    return image


def contact_sheet(images: list[Image.Image], columns: int = 6) -> Image.Image:
    """Return one image with all images side by side."""
    width, height = images[0].size
    whole = Image.new("RGB", (columns * width, -(-len(images) // columns) * height))
    for i, image in enumerate(images):
        whole.paste(image, (i % columns * width, i // columns * height))
    return whole


def logo_boxes(folder: Path) -> dict[str, Box]:
    """Return the box (left, top, right, bottom) of the logo by path, from FOLDER/places.csv."""
    with (folder / "places.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["path"]: (int(row["left"]), int(row["top"]), int(row["right"]), int(row["bottom"]))
            for row in csv.DictReader(file)
        }


def check_heat_maps(classifier: cs.Classifier, folder: Path) -> None:
    """Print how often the maximum of the heat map lies on the logo; draw some heat maps into FOLDER/found.png."""
    paths = sorted((folder / "new" / "logo").glob("*.jpg"))
    heat = heat_maps(classifier, paths, classifier.class_names.index("logo"))
    boxes = logo_boxes(folder)
    hits, overlays = [], []
    for path, heat_map in zip(paths, heat, strict=True):
        box = left, top, right, bottom = boxes[path.relative_to(folder).as_posix()]
        row, column = (index * Image.open(path).width / len(heat_map) for index in maximum(heat_map))
        hits.append(left <= column <= right and top <= row <= bottom)
        overlays.append(overlay(path, heat_map, box))
    print(f"the maximum of the heat map lies on the logo in {np.mean(hits):.1%} of the {len(hits)} pictures with it")
    contact_sheet(overlays[:24]).save(folder / "found.png")


def main() -> None:
    """Draw the pictures, train, evaluate on new pictures, check the heat maps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3, help="how long to train")
    parser.add_argument("--count", type=int, default=300, help="number of training pictures per class")
    parser.add_argument("--folder", type=Path, default=Path("runs/logo"))
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    folder = free_folder(given.folder.parent, given.folder.name)
    write_pictures(folder, given.count, given.seed)
    print(f"pictures in {folder}")

    run = cs.train(folder / "train", time_budget=60 * given.minutes, seed=given.seed, output=folder, name="run")
    paths = sorted((folder / "new").rglob("*.jpg"))
    predictions = [best[0] for best in run.classifier.predict(paths)]
    correct = [prediction.label == path.parent.name for prediction, path in zip(predictions, paths, strict=True)]
    print(f"accuracy on {len(paths)} new pictures: {np.mean(correct):.1%}")
    check_heat_maps(run.classifier, folder)
    print(f"see {folder / 'found.png'} and {run.folder / 'report.html'}")
    print(f"try it on your own pictures: convscope predict {run.folder} PICTURE...")


if __name__ == "__main__":
    main()
