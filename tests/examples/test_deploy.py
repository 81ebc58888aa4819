"""The examples of deployment: the Ray Serve application answers, and the image needs nothing that is not listed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
import yaml

import convscope as cs
from convscope.bundle_config import BUNDLED
from convscope.export.onnx.export import export_run
from convscope.png import png_bytes
from convscope.serving.http.guard import checked_host_name

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_ray_serve_answers_as_the_classifier(tmp_path):
    pytest.importorskip("ray.serve")
    shutil.copytree(BUNDLED / "mnist-lenet5", tmp_path / "lenet")
    export_run(str(tmp_path / "lenet"))
    image = png_bytes(np.asarray(cs.load_data("mnist-5k").splits["test"].images[0]))
    expected = cs.load("mnist-lenet5").predict(image)[0]
    environment = os.environ | {"BUNDLE": str(tmp_path / "lenet"), "RAY_USAGE_STATS_ENABLED": "0"}
    words = [sys.executable, "-m", "ray.serve.scripts", "run", "examples.deploy.ray_serve:app"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        end = time.monotonic() + 240
        while True:
            try:
                answer = httpx.post("http://127.0.0.1:8000/", content=image, timeout=30)
                if answer.status_code == 200:
                    break
            except httpx.TransportError:
                pass
            assert process.poll() is None and time.monotonic() < end, (tmp_path / "log").read_text()[-2000:]
            time.sleep(1)
    finally:
        process.terminate()
        process.wait(60)
    first = answer.json()["predictions"][0]
    assert first["label"] == expected.label and first["probability"] == pytest.approx(expected.probability, abs=1e-4)


def test_the_image_is_small_and_its_user_is_not_root():
    lines = (ROOT / "examples" / "deploy" / "Dockerfile").read_text().splitlines()
    assert "USER 1000" in lines and any('"--api"' in line for line in lines)
    listed = (ROOT / "examples" / "deploy" / "requirements.txt").read_text().splitlines()
    assert "torch" not in {line.partition(">")[0] for line in listed if not line.startswith("#")}


def test_the_image_copies_the_sources_alone_and_they_are_enough():
    lines = (ROOT / "examples" / "deploy" / "Dockerfile").read_text().splitlines()
    copied = {word for line in lines if line.startswith("COPY") for word in line.split()[1:-1]}
    assert {"pyproject.toml", "README.md", "LICENSE", "src"} <= copied and "." not in copied


def test_kserve_may_ask_by_the_name_that_it_gives_the_predictor():
    service = yaml.safe_load((ROOT / "examples" / "deploy" / "kserve.yaml").read_text())
    args = service["spec"]["predictor"]["containers"][0]["args"]
    names = [checked_host_name(arg.removeprefix("--allow-host=")) for arg in args]
    assert "{name}-predictor.{namespace}.svc.cluster.local".format_map(service["metadata"]) in names
