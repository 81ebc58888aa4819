"""The resizing inside a model is Pillow's, for pictures of every size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import convscope as cs
from convscope.errors import UsageError
from convscope.export.onnx import export_onnx
from convscope.export.onnx.resizing import put_before
from convscope.serving.examples import PHOTO_FOLDER

from .test_networks import classifier_of, own_network

FILTERS = {name: Image.Resampling[name.upper()] for name in ("nearest", "bilinear", "bicubic")}
SIZES = [(28, 36), (1, 1), (2, 3), (24, 32), (5, 60), (60, 5), (77, 100), (29, 37), (201, 333), (333, 201), (480, 640)]


def session_of(preprocess: cs.Preprocess):
    """A model that returns what the resizing gives."""
    import onnxruntime
    from onnx import TensorProto, checker, helper

    values = [helper.make_tensor_value_info(name, TensorProto.UINT8, list("nchw")) for name in ("pixels", "out")]
    graph = helper.make_graph([helper.make_node("Identity", ["pixels"], ["out"])], "g", values[:1], values[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    put_before(model, preprocess)
    checker.check_model(model)
    return onnxruntime.InferenceSession(model.SerializeToString())


def resized(session, picture: np.ndarray) -> np.ndarray:
    given = picture.reshape(1, *picture.shape[:2], -1)
    return session.run(None, {"image": given})[0][0].transpose(1, 2, 0).astype(int)


def photo(name: str, size: tuple[int, int], gray: bool) -> np.ndarray:
    whole = Image.open(PHOTO_FOLDER / name).convert("L" if gray else "RGB")
    return np.asarray(whole.resize(size[::-1], Image.Resampling.BOX))


def pillow(picture: np.ndarray, preprocess: cs.Preprocess) -> np.ndarray:
    """The recipe as its words say it, without ConvScope."""
    _, height, width = preprocess.input_size
    h, w = height - 2 * preprocess.border, width - 2 * preprocess.border
    (H, W), size, box = picture.shape[:2], (w, h), None
    if preprocess.crop_mode == "center":
        s = max(w / W, h / H) / preprocess.crop_pct
        box = (max(W - w / s, 0) / 2, max(H - h / s, 0) / 2, min((W + w / s) / 2, W), min((H + h / s) / 2, H))
        if picture.ndim == 3 and preprocess.interpolation != "nearest" and box[2] - box[0] > w and box[3] - box[1] > h:
            left, top, right, bottom = map(round, box)
            picture, box = picture[top:bottom, left:right], None
    elif preprocess.crop_mode == "pad":
        s = min(w / W, h / H)
        size = (max(round(W * s), 1), max(round(H * s), 1))
    small = np.asarray(Image.fromarray(picture).resize(size, FILTERS[preprocess.interpolation], box=box))
    canvas = np.zeros((height, width, *picture.shape[2:]), int)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    canvas[top : top + size[1], left : left + size[0]] = small
    return canvas.reshape(height, width, -1)


@pytest.mark.parametrize("interpolation", FILTERS)
@pytest.mark.parametrize("crop_mode", ["center", "pad", "squash"])
@pytest.mark.parametrize("channels", [1, 3])
def test_photos_of_many_sizes_are_within_one_step_of_pillow(channels, crop_mode, interpolation):
    crop_pct = 0.875 if crop_mode == "center" else 1.0
    for border, share in ((0, 1.0), (2, crop_pct)):
        size = (channels, 28, 36)
        preprocess = cs.Preprocess(
            size, (0.5,) * channels, (0.5,) * channels, interpolation, crop_mode, border, share
        )  # fmt: skip
        session = session_of(preprocess)
        for height_width in SIZES:
            picture = photo("cat.jpg", height_width, channels == 1)
            got = resized(session, picture)
            ours = preprocess.array(picture).astype(int)
            if interpolation == "nearest":  # where a place lies exactly between two pixels, either is the nearest
                assert (got != ours).mean() < 0.1, height_width
                continue
            assert np.abs(got - ours).max() <= 2, height_width
            assert np.abs(got - pillow(picture, preprocess)).max() <= 1, height_width


def test_large_photos_are_within_one_step_of_training():
    preprocess = cs.Preprocess((3, 224, 224), (0.5,) * 3, (0.5,) * 3, crop_pct=0.875)
    session = session_of(preprocess)
    for path in sorted(PHOTO_FOLDER.glob("*.jpg")):
        picture = np.asarray(Image.open(path).convert("RGB"))
        assert np.abs(resized(session, picture) - preprocess.array(picture)).max() <= 1, path.name


def test_superpixels_are_refused_in_one_line(tmp_path):
    pytest.importorskip("skimage")
    classifier = classifier_of(own_network(), (3, 12, 10), classes=3)
    classifier.preprocess = cs.Preprocess((3, 12, 10), (0.5,) * 3, (0.5,) * 3, superpixels=9)
    with pytest.raises(UsageError, match="superpixels of this classifier: use --input pixels"):
        export_onnx(classifier, tmp_path / "a.onnx", input="image")
    assert list(Path(tmp_path).iterdir()) == []
