"""`explain`: the folder, its numbers and pictures, names of any kind, and wrong arguments."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import convscope as cs
from convscope.classifier import Classifier
from convscope.cli import main
from convscope.insight import MAP_METHODS, METHODS, attribute, gradients, kernels
from convscope.map_colours import scale_limit

from .photos import HOSTILE, Photos


@pytest.fixture(scope="module")
def seven(tmp_path_factory):
    """A seven drawn with two strokes."""
    array = np.zeros((32, 32), np.uint8)
    array[6:9, 8:24] = 255
    for i in range(18):
        array[9 + i, 21 - i // 2 : 24 - i // 2] = 255
    path = tmp_path_factory.mktemp("pictures") / "seven & <b>.png"
    Image.fromarray(array).save(path)
    return path


@pytest.fixture(scope="module")
def explained(digits_run, seven, tmp_path_factory):
    place = tmp_path_factory.mktemp("explained")
    return cs.explain(digits_run.classifier, seven, output=place, layer="features.3")


@pytest.fixture(scope="module")
def photos():
    torch.manual_seed(0)
    preprocess = cs.Preprocess((3, 40, 48), (0.5,) * 3, (0.25,) * 3)
    return Classifier(Photos(), HOSTILE, preprocess, "photos", {})


def test_the_folder_is_complete(explained, digits_run, seven):
    assert explained.folder.name == "lenet_relu-seven_b"
    found = sorted(str(p.relative_to(explained.folder)) for p in explained.folder.rglob("*") if p.is_file())
    assert found == explained.files
    expected = {"explain.html", "seen.png", "probabilities.svg", "gradients.svg", "kernels.svg", "network.svg"}
    assert expected | {f"{method}.png" for method in METHODS} <= set(found)
    assert "layers/01-features.0.svg" in found and "layers/11-classifier.4.svg" in found
    assert explained.predictions == digits_run.classifier.predict(seven, topk=10)
    assert (explained.label, explained.layer) == (explained.predictions[0].label, "features.3")
    assert explained.versus == explained.predictions[1].label and explained.methods == list(METHODS)
    json.dumps(explained.to_dict())


def test_its_numbers_are_the_networks(explained, digits_run, seven):
    classifier = digits_run.classifier
    pixels = classifier.preprocess.pixels(Image.open(seven))
    images = classifier.preprocess.normalize(pixels[None])
    found = gradients(classifier.network, images, explained.predictions[0].index)
    for name, size in explained.gradient_sizes.items():
        assert size == pytest.approx(float(found[name].square().mean().sqrt()), rel=1e-5)
    seen = Image.open(explained.folder / "seen.png")
    assert (np.asarray(seen)[::8, ::8] == pixels[0].numpy()).all()  # every pixel as a square
    heat = attribute(classifier.network, images, "saliency", explained.predictions[0].index)[0].numpy()
    page = explained.page.read_text(encoding="utf-8")
    assert f"{scale_limit(heat, 0.995):.3g}" in page
    end = kernels(classifier.network, "features.0").abs().max()
    assert f"{float(end):.3g}" in (explained.folder / "kernels.svg").read_text(encoding="utf-8")


def test_the_page_has_both_languages_and_no_links(explained):
    page = explained.page.read_text(encoding="utf-8")
    assert page.count('<span lang="en">') == page.count('<span lang="zh-Hans">') > 50
    page = page.replace("http://www.w3.org/2000/svg", "")
    assert re.findall(r"""(?:src|href|url\()\s*=?\s*["'(]?((?:https?:)?//[^"')\s]+)""", page) == []
    assert "seven &amp; &lt;b&gt;.png" in page and "<b>.png" not in page
    assert "All feature maps of the selected layer" in page


def test_hostile_names_stay_text(photos, tmp_path):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 70, 3), dtype=np.uint8))
    for label in HOSTILE:
        found = cs.explain(photos, image, label=label, methods=["grad-cam"], output=tmp_path)
        page = found.page.read_text(encoding="utf-8")
        assert "<script>alert" not in page and "line\nbreak" not in page and "\"b'</svg>" not in page
        for path in found.folder.rglob("*.svg"):
            ET.parse(path)
    assert found.label == "&amp;" and "&amp;amp;" in page and "\\udcff" in page
    assert found.layer == "relu_2" and found.folder.name == "photos-image-8"
    assert "shown in colour" in page


def test_a_network_without_maps(tmp_path):
    network = cs.create_model("softmax_regression", num_classes=3) if "softmax_regression" in cs.list_models() else None
    network = network or nn.Sequential(nn.Flatten(), nn.Linear(784, 3))
    classifier = Classifier(network, ["a", "b", "c"], cs.Preprocess((1, 28, 28)), "dense", {})
    image = np.random.default_rng(0).random((28, 28))
    found = cs.explain(classifier, image, output=tmp_path)
    assert found.layer is None and found.methods == [m for m in METHODS if m not in MAP_METHODS]
    assert "kernels.png" in found.files  # a picture a class
    with pytest.raises(cs.UsageError, match="no layer of this network gives maps"):
        cs.explain(classifier, image, methods=["grad-cam"], output=tmp_path)


@pytest.mark.parametrize("head", ["knn", "tree"])
def test_heads_without_gradients_are_explained_by_occlusion(seven, tmp_path, head):
    options = {"epochs": 1, "freeze": True, "output": tmp_path, "show": False}
    classifier = cs.train("digits", "lenet_relu", head=head, **options).classifier
    found = cs.explain(classifier, seven, output=tmp_path, name="all")
    assert found.methods == ["occlusion"] and any(name.startswith("layers/") for name in found.files)
    assert set(found.gradient_sizes.values()) == {0.0}  # an answer by steps has no slope
    with pytest.raises(cs.UsageError, match=r"no gradient: .*: choose occlusion$"):
        cs.explain(classifier, seven, methods=["saliency"], output=tmp_path, name="one")
    assert not (tmp_path / "one").exists()


def test_a_network_of_nan_is_refused(photos, tmp_path):
    broken = Classifier(Photos(), HOSTILE, photos.preprocess, "photos", {})
    with torch.no_grad():
        broken.network.last.bias.fill_(float("nan"))
    with pytest.raises(cs.ModelFileError, match="NaN or infinite"):
        cs.explain(broken, np.zeros((40, 48, 3), np.uint8), output=tmp_path)
    assert not list(tmp_path.iterdir())


def test_users_files_stay_and_failures_leave_nothing(photos, tmp_path):
    image = np.zeros((40, 48, 3), np.uint8)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "explain.html").write_text("mine")
    options = {"methods": ["saliency"], "output": tmp_path}
    assert cs.explain(photos, image, name="mine", **options).folder == tmp_path / "mine-2"
    assert (tmp_path / "mine" / "explain.html").read_text() == "mine"
    with pytest.raises(cs.OutputError, match="cannot write"):
        cs.explain(photos, image, name="x" * 300, **options)
    with pytest.raises(cs.UsageError, match="plain folder name"):
        cs.explain(photos, image, name="../mine", **options)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine", "mine-2"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--layer", "featrues.3"], 2, "error: unknown layer 'featrues.3': did you mean features.3"),
        (["--layer", "classifier.2"], 2, "error: 'classifier.2' gives no maps: choose one of features.0"),
        (["--method", "gradcam"], 2, "error: unknown method 'gradcam': did you mean grad-cam?"),
        (["--label", "ten"], 2, "error: this classifier has no class 'ten': it knows 0, 1, 2"),
        (["--label", "3", "--versus", "3"], 2, "error: '3' is the class that is explained: compare it with another"),
        (["--name", "a/b"], 2, "error: --name must be a plain folder name"),
    ],
)
def test_errors_are_one_line(digits_run, seven, tmp_path, monkeypatch, capsys, words, code, message):
    monkeypatch.chdir(tmp_path)
    assert main(["explain", str(digits_run.folder), str(seven), *words]) == code
    output = capsys.readouterr()
    assert output.err.startswith(message) and output.err.count("\n") == 1 and output.out == ""
    assert not list(tmp_path.iterdir())


def test_wrong_files(digits_run, seven, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.png").write_text("no picture")
    assert main(["explain", str(digits_run.folder), "text.png"]) == 3
    assert capsys.readouterr().err == "error: text.png: not an image that can be read (it looks like a text file)\n"
    assert main(["explain", str(digits_run.folder), "none.png"]) == 3
    assert main(["explain", "nowhere", str(seven)]) == 4
    assert "no such run or bundle" in capsys.readouterr().err


def test_the_command(digits_run, seven, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = [
        "explain",
        str(digits_run.folder),
        str(seven),
        "--method",
        "saliency",
        "--method",
        "grad-cam",
        "--label",
        "1",
    ]
    assert main([*words, "--name", "mine", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["label"] == "1" and document["folder"] == "runs/explain/mine"
    assert sorted(document["methods"]) == ["grad-cam", "saliency"]
    assert "occlusion.png" not in document["files"]
    assert "versus-grad-cam.svg" in document["files"]  # compared by what was asked for
    page = (tmp_path / document["page"]).read_text(encoding="utf-8")
    assert "--method saliency --method grad-cam --label 1" in page
    assert main(words) == 0
    assert "page       runs/explain/lenet_relu-seven_b/explain.html" in capsys.readouterr().out
