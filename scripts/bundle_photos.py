"""Write the example photos of the page, which ship with the package.

    pip install 'convscope[heads,superpixels]'
    python scripts/bundle_photos.py

reads photos from scikit-image and scikit-learn, makes their longer side at most 448 pixels and writes
src/convscope/serving/photos/*.jpg. The README beside the files names authors and licences. Of the astronaut, the middle
becomes the small colour picture of the page's convolution tab.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from PIL import Image

SERVING = Path(__file__).parents[1] / "src" / "convscope" / "serving"
FOLDER = SERVING / "photos"
LONGEST_SIDE, QUALITY = 448, 88
SMALL, SMALL_PART, SMALL_SIDE = SERVING / "page" / "convolution" / "astronaut.png", (20, 0, 350, 330), 72
# Package, file, what the photo shows.
PHOTOS = [
    ("skimage", "data/chelsea.png", "cat"),
    ("skimage", "data/coffee.png", "cup of coffee"),
    ("sklearn", "datasets/images/flower.jpg", "flower"),
    ("sklearn", "datasets/images/china.jpg", "pagoda"),
    ("skimage", "data/astronaut.png", "astronaut"),
    ("skimage", "data/rocket.jpg", "rocket"),
    ("skimage", "data/coins.png", "coins"),
]


def main() -> None:
    """Write one JPEG file per photo."""
    for package, name, title in PHOTOS:
        photo = Image.open(Path(str(files(package))) / name).convert("RGB")
        photo.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
        path = FOLDER / f"{title.replace(' ', '-')}.jpg"
        photo.save(path, quality=QUALITY, optimize=True)
        print(f"{path.name}: {photo.width} x {photo.height}, {path.stat().st_size:,} bytes")
    astronaut = Image.open(FOLDER / "astronaut.jpg").crop(SMALL_PART)
    astronaut.resize((SMALL_SIDE, SMALL_SIDE), Image.Resampling.LANCZOS).save(SMALL, optimize=True)


if __name__ == "__main__":
    main()
