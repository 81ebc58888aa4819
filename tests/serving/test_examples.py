"""Example images: real digits, photos, and the mistakes of a run."""

from __future__ import annotations

import io
import re

from PIL import Image
from starlette.testclient import TestClient

from convscope.serving.app import create_app
from convscope.serving.examples import PHOTO_FOLDER, PHOTOS

from .conftest import URL, make_service


def test_examples_are_real_digits_and_the_runs_own_mistakes(client, digits_run):
    examples = client.get("/api/examples").json()["examples"]
    digits = [example for example in examples if example["kind"] == "digit"]
    assert [example["label"] for example in digits] == [str(digit) for digit in range(10) for _ in range(2)]
    mistakes = [example for example in examples if example["kind"] == "mistake"]
    wrong = round((1 - digits_run.metrics["val"]["top1"]) * digits_run.metrics["val"]["n"])
    assert len(mistakes) == wrong and all(example["label"] != example["predicted"] for example in mistakes)
    for example in [digits[0], *mistakes[:2]]:
        answer = client.get(example["url"])
        assert answer.headers["content-type"] == "image/png"
        if example["kind"] == "mistake":
            said = client.post("/predict", content=answer.content).json()["predictions"][0]["label"]
            assert said == example["predicted"]
    assert client.get("/api/examples/another/0").status_code == 404
    assert client.get(f"/api/examples/{digits_run.folder.name}/9999").status_code == 404


def test_networks_for_colour_images_get_photos(digits_run, squares, tmp_path):
    from convscope import Classifier, Preprocess, create_model

    network = create_model("resnet20", num_classes=2, in_channels=3)
    arguments = {"num_classes": 2, "in_channels": 3}
    preprocess = Preprocess((3, 32, 32), (0.5,) * 3, (0.5,) * 3)
    run = tmp_path / "photos"
    Classifier(network, ["bright", "dark"], preprocess, "resnet20", arguments).save(run / "classifier")
    path = squares / "dark" / "00.png"
    gone = squares / "dark" / "gone.png"
    table = f"path,label,prediction,probability,loss\n{path},dark,bright,0.6,1\n{gone},dark,bright,0.9,1\n"
    (run / "predictions_val.csv").write_text(table)
    service = make_service(str(run))
    client = TestClient(create_app(service), base_url=URL)
    examples = client.get("/api/examples").json()["examples"]
    assert [example["title"] for example in examples if example["kind"] == "mistake"] == ["00.png"]
    assert [example["title"] for example in examples if example["kind"] == "photo"] == list(PHOTOS)
    for example in examples:
        answer = client.get(example["url"])
        assert answer.status_code == 200 and Image.open(io.BytesIO(answer.content)).size[0] > 10
        assert client.post("/predict", content=answer.content).status_code == 200
    assert service.quick.close() and service.slow.close()


def test_every_photo_has_its_author_and_licence_named():
    readme = (PHOTO_FOLDER / "README.md").read_text(encoding="utf-8")
    for path in PHOTO_FOLDER.glob("*.jpg"):
        row = next(line for line in readme.splitlines() if line.startswith(f"| `{path.name}`"))
        assert re.search("creativecommons.org|public domain|no known copyright restrictions", row)
