"""What can be chosen: bundled classifiers, examples, epochs; and a training that is watched."""

from __future__ import annotations

import io
import json
import re
import shutil
import threading
import time

import httpx
import numpy as np
import pytest
import torch
from PIL import Image
from starlette.testclient import TestClient

from convscope import bundle
from convscope.bundle import bundled_names, find_bundle, read_bundle
from convscope.data.image_file import decode
from convscope.errors import ModelFileError
from convscope.run_folder import RunFolder
from convscope.serving.app import create_app
from convscope.serving.classifiers import Registry
from convscope.serving.examples import PHOTO_FOLDER, PHOTOS
from convscope.snapshots import snapshot_name

from .conftest import URL, BinaryAnswer, make_service


@pytest.fixture
def bundled(digits_run, tmp_path, monkeypatch):
    """A package with one bundled classifier, `tiny`."""
    shutil.copytree(digits_run.folder / "classifier", tmp_path / "bundled" / "tiny")
    monkeypatch.setattr(bundle, "BUNDLED", tmp_path / "bundled")
    monkeypatch.setattr("convscope.serving.classifiers.BUNDLED", tmp_path / "bundled")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "bundled" / "tiny"


def test_a_bundled_classifier_goes_by_its_name_unless_there_is_such_a_folder(bundled, digits_run, tmp_path):
    assert bundled_names() == ["tiny"] and find_bundle("tiny") == bundled
    assert list(Registry(None, torch.device("cpu")).by_id) == ["tiny"]
    assert list(Registry(str(digits_run.folder), torch.device("cpu")).by_id) == [digits_run.folder.name, "tiny"]
    shutil.copytree(bundled, tmp_path / "work" / "tiny")
    assert find_bundle("tiny").resolve() == tmp_path / "work" / "tiny"
    with pytest.raises(ModelFileError, match=r"tinny: no such run.*bundled one \(tiny\)"):
        find_bundle("tinny")


def test_what_ships_is_small_and_says_how_it_was_made():
    for name in bundled_names():
        folder = bundle.BUNDLED / name
        assert sum(path.stat().st_size for path in folder.iterdir()) < 1_000_000
        assert "convscope train" in (folder / "README.md").read_text()
        assert read_bundle(find_bundle(name))[1]["metrics"]


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


def test_photos_are_shown_to_who_sees_colours(digits_run, squares, tmp_path):
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


def test_an_epoch_is_looked_at_with_its_own_weights(client, digits_run, digit):
    answer = client.get("/api/snapshots").json()
    assert not answer["running"] and answer["epochs"][0] == 0
    assert [row["epoch"] for row in answer["metrics"]] == list(range(1, 13))
    assert answer["metrics"][-1]["val/top1"] == pytest.approx(digits_run.history[-1]["val/top1"])
    for epoch in answer["epochs"][:2]:
        got = BinaryAnswer.of(client.post("/api/forward", content=digit, params={"epoch": epoch}))
        network, _ = read_bundle(RunFolder(digits_run.folder).snapshots, snapshot_name(epoch))
        preprocess = digits_run.classifier.preprocess
        with torch.no_grad():
            logits = network(preprocess.normalize(preprocess.pixels(decode(digit))[None]))[0]
        assert got.header["epoch"] == epoch and got.header["logits"] == pytest.approx(logits.tolist(), abs=1e-4)
        kernel = BinaryAnswer.of(client.get("/api/kernels/features.0", params={"session": got.header["session"]}))
        assert kernel.floats(1, 5, 5) == pytest.approx(network.features[0].weight[0].detach().numpy())
    assert client.post("/api/forward", content=digit, params={"epoch": 99}).status_code == 404


def test_a_training_is_watched_while_it_goes_on(digits_run, digit, tmp_path):
    run = tmp_path / "going-on"
    shutil.copytree(digits_run.folder / "checkpoints", run / "checkpoints")
    rows = (digits_run.folder / "metrics.csv").read_text().splitlines(keepends=True)
    (run / "metrics.csv").write_text("".join(rows[:3]))
    service = make_service(str(run))
    client = TestClient(create_app(service), base_url=URL)
    before = client.get("/api/snapshots").json()
    assert before["running"] and not before["finished"]
    unfinished = BinaryAnswer.of(client.post("/api/forward", content=digit)).header
    entry = client.get("/api/classifiers").json()["classifiers"][0]
    assert entry["id"] == "going-on" and entry["has_snapshots"]
    started = time.monotonic()
    service.stopping = lambda: time.monotonic() > started + 10

    def more() -> None:
        time.sleep(1)
        (run / "metrics.csv").write_text("".join(rows[:5]))
        time.sleep(0.7)
        (run / "metrics.csv").write_text("".join(rows))
        shutil.copytree(digits_run.folder / "classifier", run / "classifier")

    writer = threading.Thread(target=more)
    writer.start()
    answer = client.get("/api/training/live")
    writer.join()
    events = re.findall(r"(?:event: (\w+)\n)?data: (.*)\n\n", answer.text)
    assert events[-1] == ("end", "{}")
    assert [json.loads(data)["epoch"] for event, data in events[:-1]] == list(range(1, 13))
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert client.get("/api/snapshots").json()["finished"]
    finished = BinaryAnswer.of(client.post("/api/forward", content=digit)).header
    with torch.no_grad():
        preprocess = digits_run.classifier.preprocess
        logits = digits_run.classifier.network(preprocess.normalize(preprocess.pixels(decode(digit))[None]))[0]
    assert unfinished["logits"] != finished["logits"]
    assert finished["epoch"] is None and finished["logits"] == pytest.approx(logits.tolist(), abs=1e-4)
    assert service.quick.close() and service.slow.close()


def test_a_bundle_alone_has_no_training(digits_run):
    service = make_service(str(digits_run.folder / "classifier"))
    client = TestClient(create_app(service), base_url=URL)
    assert client.get("/api/snapshots").json()["running"] is False
    assert service.quick.close() and service.slow.close()


def test_the_page_of_the_running_service_is_there(running):
    answer = httpx.get(running.url)
    assert answer.status_code == 200 and answer.headers["content-type"] == "text/html; charset=utf-8"


def test_sessions_are_few_and_those_of_other_pages_stay(service, client, digit):
    mine = BinaryAnswer.of(client.post("/api/forward", content=digit, headers={"x-page": "a"})).header["session"]
    ids = [
        BinaryAnswer.of(client.post("/api/forward", content=digit, headers={"x-page": "b"}, params={"maps": 0})).header[
            "session"
        ]
        for _ in range(30)
    ]
    assert len(set(ids)) == 30 and all(len(id) >= 24 for id in ids)
    assert client.get(f"/api/activations/{ids[0]}/features.0").status_code == 404
    assert client.get(f"/api/activations/{mine}/features.0").status_code == 200
    assert len(service.sessions.by_id) <= 200
    assert np.isfinite(BinaryAnswer.of(client.get(f"/api/activations/{ids[-1]}/features.0")).header["layer"]["high"])
