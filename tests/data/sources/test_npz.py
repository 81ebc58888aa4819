"""NumPy files of images and labels: the names of their arrays, the order of their axes, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from convscope.data import load_data
from convscope.errors import DataError

GRAY = np.random.default_rng(0).integers(0, 256, (12, 9, 10), dtype=np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (12, 9, 10, 3), dtype=np.uint8)
LABELS = np.arange(12) % 3

FORMS = {
    "keras": ({"x_train": GRAY, "y_train": LABELS, "x_test": GRAY[:6], "y_test": LABELS[:6]}, GRAY),
    "medmnist": (
        {f"{part}_{kind}": {"images": COLOUR, "labels": LABELS[:, None].astype(np.uint8)}[kind]
         for part in ("train", "val", "test") for kind in ("images", "labels")}, COLOUR),
    "one part": ({"X": GRAY[..., None], "y": np.array(["a", "b", "c"] * 4)}, GRAY),
    "channels first, one-hot": ({"images": COLOUR.transpose(0, 3, 1, 2), "labels": np.eye(3)[LABELS]}, COLOUR),
    "numbers up to 1": ({"Xtrain": (GRAY / 255).astype(np.float32), "Ytrain": LABELS.astype(np.float64)}, GRAY),
}  # fmt: skip


@pytest.mark.parametrize("arrays, images", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("in_folder", [False, True])
def test_images_and_labels_are_found_by_the_names_of_the_arrays(tmp_path, arrays, images, in_folder):
    np.savez_compressed(tmp_path / "set.npz", **arrays)
    data = load_data(tmp_path if in_folder else tmp_path / "set.npz")
    train = data.splits["train"]
    assert len(data.class_names) == 3 and data.channels == (3 if images.ndim == 4 else 1)
    for image, label, name in zip(train.images, train.labels, train.names, strict=True):
        i = int(name.rpartition("[")[2][:-1])
        np.testing.assert_array_equal(image, images[i])
        assert label == LABELS[i]
    assert data.divided == (len([key for key in arrays if "test" in key]) == 0)


REFUSED = {
    "a pickle": ({"x": np.array([{"a": 1}] * 12, object), "y": LABELS}, "may run code and are not read"),
    "volumes": ({"images": np.zeros((12, 8, 8, 8), np.uint8), "labels": LABELS}, "12 x 8 x 8 x 8, which are neither"),
    "no names": ({"arr_0": GRAY, "arr_1": LABELS}, r"arr_0 \(12 x 9 x 10\), arr_1 \(12\), images and labels are not"),
    "another length": ({"x": GRAY, "y": LABELS[:5]}, "12 images in x but 5 labels in y"),
    "several labels": ({"x": GRAY, "y": np.ones((12, 3), np.uint8)}, "several labels per image in arrays"),
    "numbers to predict": ({"x": GRAY, "y": LABELS / 7}, "no classes"),
    "16 bits": ({"x": GRAY.astype(np.uint16) * 16, "y": LABELS}, "its pixels are 0 to 4080"),
}


@pytest.mark.parametrize("arrays, message", REFUSED.values(), ids=REFUSED.keys())
def test_other_arrays_are_refused_in_one_line(tmp_path, arrays, message):
    np.savez(tmp_path / "set.npz", **arrays)
    with pytest.raises(DataError, match=message):
        load_data(tmp_path / "set.npz")


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "set.npz").write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(DataError, match=r"set.npz: not a NumPy file that can be read"):
        load_data(tmp_path / "set.npz")
