"""A training that goes on is followed row by row until it ends."""

from __future__ import annotations

import json
import re
import shutil
import threading
import time

import pytest
import torch
from starlette.testclient import TestClient

from convscope.data.image_file import decode
from convscope.run_folder import RunFolder
from convscope.serving.app import create_app
from convscope.snapshots import snapshot_epochs, snapshot_name

from .conftest import URL, BinaryAnswer, make_service


def test_a_running_training_sends_its_rows_until_it_ends(digits_run, digit, tmp_path):
    run = tmp_path / "going-on"
    shutil.copytree(digits_run.folder / "checkpoints", run / "checkpoints")
    for epoch in snapshot_epochs(RunFolder(run).snapshots):
        if epoch > 2:  # as they are after two epochs: a later one may be the final classifier
            (RunFolder(run).snapshots / snapshot_name(epoch)).unlink()
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
