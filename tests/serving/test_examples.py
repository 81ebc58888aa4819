"""Example images: a run's own, digits, and photos."""

from __future__ import annotations

import io
import re

import torch
from PIL import Image

from convscope import Classifier, Preprocess, create_model
from convscope.serving.classifiers import Registry
from convscope.serving.examples import PHOTO_FOLDER, PHOTOS, Examples


def test_a_run_shows_its_own_digits_mistakes_first(client, digits_run):
    examples = client.get("/api/examples").json()["examples"]
    kinds = [example["kind"] for example in examples]
    wrong = round((1 - digits_run.metrics["val"]["top1"]) * digits_run.metrics["val"]["n"])
    assert kinds == ["mistake"] * wrong + ["right"] * 20
    for example in [*examples[: wrong + 2], examples[-1]]:
        answer = client.get(example["url"])
        assert answer.headers["content-type"] == "image/png"
        said = client.post("/predict", content=answer.content).json()["predictions"][0]["label"]
        assert said == example["predicted"]
        assert (said == example["label"]) == (example["kind"] == "right")
    assert client.get("/api/examples/another/0").status_code == 404
    assert client.get(f"/api/examples/{digits_run.folder.name}/9999").status_code == 404


def test_bundles_without_a_run_get_what_suits_them(tmp_path):
    kinds = {"digits": (1, [str(digit) for digit in range(10)]), "photos": (3, ["a", "b"]), "shapes": (1, ["a", "b"])}
    listed = {}
    for name, (channels, classes) in kinds.items():
        arguments = {"num_classes": len(classes), "in_channels": channels, "img_size": 8}
        network = create_model("softmax_regression", **arguments)
        preprocess = Preprocess((channels, 8, 8), (0.5,) * channels, (0.5,) * channels)
        Classifier(network, classes, preprocess, "softmax_regression", arguments).save(tmp_path / name)
        registry = Registry([str(tmp_path / name)], torch.device("cpu"))
        listed[name] = Examples().of(registry.by_id[registry.current])
    assert [one.label for one in listed["digits"]] == [str(digit) for digit in range(10) for _ in range(2)]
    assert [one.title for one in listed["photos"]] == list(PHOTOS) and listed["shapes"] == []
    for example in (*listed["digits"][:2], *listed["photos"]):
        assert Image.open(io.BytesIO(example.content()[0])).size[0] > 10


def test_every_photo_has_its_author_and_licence_named():
    readme = (PHOTO_FOLDER / "README.md").read_text(encoding="utf-8")
    for path in PHOTO_FOLDER.glob("*.jpg"):
        row = next(line for line in readme.splitlines() if line.startswith(f"| `{path.name}`"))
        assert re.search("creativecommons.org|public domain|no known copyright restrictions", row)
