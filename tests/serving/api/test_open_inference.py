"""The Open Inference Protocol: Triton's own client works unchanged, and what makes no sense is a text that says why."""

from __future__ import annotations

import base64
import gzip
import json

import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

import convscope as cs

from ..conftest import Running


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    """Three digits in the size of the network, uint8 N x C x H x W."""
    return np.asarray(cs.load_data("digits").splits["test"].images[:3])


@pytest.fixture(scope="module")
def asking(running: Running):
    with triton.InferenceServerClient(running.url.removeprefix("http://")) as client:
        yield client


@pytest.fixture(scope="module")
def name(asking, digits_run) -> str:
    return digits_run.folder.name


def tensor(name: str, values: np.ndarray, kind: str, binary: bool) -> triton.InferInput:
    made = triton.InferInput(name, list(values.shape), kind)
    made.set_data_from_numpy(values, binary_data=binary)
    return made


def test_tritons_client_finds_everything(asking, name, digits_run):
    assert asking.is_server_live() and asking.is_server_ready() and asking.is_model_ready(name)
    assert not asking.is_model_ready("nobody") and not asking.is_model_ready(name, "2")
    assert asking.get_server_metadata()["extensions"] == [
        "binary_tensor_data",
        "classification",
        "model_configuration",
    ]
    size = list(digits_run.classifier.preprocess.input_size)
    for found in (asking.get_model_metadata(name), asking.get_model_metadata(name, "1")):
        assert found["name"] == name and found["versions"] == ["1"]
        assert found["inputs"][0] == {"name": "pixels", "datatype": "UINT8", "shape": [-1, *size]}
        assert found["outputs"][0] == {"name": "probabilities", "datatype": "FP32", "shape": [-1, 10]}
    for config in (asking.get_model_config(name), asking.get_model_config(name, "1")):
        assert config["name"] == name and config["max_batch_size"] == 32
        assert config["input"][0] == {"name": "pixels", "data_type": "TYPE_UINT8", "dims": size}
        assert config["output"][0] == {"name": "probabilities", "data_type": "TYPE_FP32", "dims": [10]}
    with pytest.raises(InferenceServerException, match="nobody"):
        asking.get_model_config("nobody")


@pytest.mark.parametrize("binary", [True, False])
def test_tritons_client_gets_the_classifiers_answers(asking, name, digits_run, digit, pixels, binary):
    classifier = digits_run.classifier
    size = classifier.preprocess.input_size
    prepared = np.stack([classifier.pixels(image).numpy() for image in pixels])
    expected = classifier.probabilities(list(pixels)).numpy()
    outputs = [
        triton.InferRequestedOutput("probabilities", binary_data=binary),
        triton.InferRequestedOutput("logits", binary_data=not binary),
        triton.InferRequestedOutput("abstained", binary_data=binary),
    ]
    given = [tensor("pixels", prepared, "UINT8", binary)]
    assert prepared.shape == (3, *size)
    for options in ({}, {"outputs": outputs}, {"request_compression_algorithm": "gzip"}, {"model_version": "1"}):
        result = asking.infer(name, given, request_id="a7", **options)
        assert np.allclose(result.as_numpy("probabilities"), expected, atol=1e-6)
        assert np.allclose(np.exp(result.as_numpy("logits")).sum(1).shape, (3,))
        assert result.as_numpy("abstained").dtype == bool and result.get_response()["id"] == "a7"
    seven = classifier.probabilities([digit]).numpy()
    encoded = np.array([digit if binary else base64.b64encode(digit).decode()], dtype=object)
    ranked = [triton.InferRequestedOutput("probabilities", binary_data=binary, class_count=2)]
    result = asking.infer(name, [tensor("image", encoded, "BYTES", binary)])
    assert np.allclose(result.as_numpy("probabilities"), seven, atol=1e-6)
    first, second = asking.infer(name, [tensor("image", encoded, "BYTES", binary)], outputs=ranked).as_numpy(
        "probabilities"
    )[0]
    value, index, label = (first.decode() if isinstance(first, bytes) else first).split(":")
    assert (index, label) == ("7", "7") and abs(float(value) - seven[0, 7]) < 1e-5 and second


def test_tritons_client_is_told_what_is_wrong(asking, name, pixels):
    cases = {
        "pixels must be UINT8 N x": tensor("pixels", np.zeros((1, 1, 2, 2), np.uint8), "UINT8", True),
        "give one input": tensor("nothing", np.zeros((1, 1), np.float32), "FP32", True),
        "it looks like a text file": tensor("image", np.array([b"hello, I am a text"], object), "BYTES", True),
    }
    for said, given in cases.items():
        with pytest.raises(InferenceServerException, match=said):
            asking.infer(name, [given])
    with pytest.raises(InferenceServerException, match="no classifier 'nobody'"):
        asking.infer("nobody", [next(iter(cases.values()))])
    with pytest.raises(InferenceServerException, match="no output 'boxes'"):
        given = tensor("image", np.array([b"x"], object), "BYTES", True)
        asking.infer(name, [tensor("pixels", np.zeros((1, *_size(asking, name)), np.uint8), "UINT8", True)],
                     outputs=[triton.InferRequestedOutput("boxes")])  # fmt: skip
    assert given


def _size(asking, name) -> list[int]:
    return asking.get_model_metadata(name)["inputs"][0]["shape"][1:]


def request(**changes) -> dict:
    whole = {"inputs": [{"name": "image", "shape": [1], "datatype": "BYTES", "data": ["AAAA"]}]}
    return whole | changes


@pytest.mark.parametrize(
    ("document", "headers"),
    [
        ([], {}),
        ({}, {}),
        (request(inputs=[]), {}),
        (request(id=5), {}),
        (request(inputs=[{"name": "image", "shape": [1 << 70], "datatype": "BYTES", "data": []}]), {}),
        (request(inputs=[{"name": "image", "shape": [-1], "datatype": "BYTES", "data": []}]), {}),
        (request(inputs=[{"name": "image", "shape": [1], "datatype": "BYTES", "data": [1]}]), {}),
        (request(inputs=[{"name": "pixels", "shape": [1, 1, 8, 8], "datatype": "UINT8", "data": [[1], 2]}]), {}),
        (request(inputs=[{"name": "pixels", "shape": [1, 1, 8, 8], "datatype": "UINT8", "data": [300] * 64}]), {}),
        (request(inputs=[{"name": "pixels", "shape": [1, 1, 8, 8], "datatype": "UINT8"}]), {}),
        (request(), {"inference-header-content-length": "9999"}),
        (request(), {"inference-header-content-length": "10"}),
        (request(), {"content-encoding": "gzip"}),
        (request(outputs=[{"name": "logits", "parameters": {"classification": "2"}}]), {}),
    ],
)
def test_what_makes_no_sense_is_400(client, document, headers):
    current = client.get("/info").json()["current"]
    answer = client.post(f"/v2/models/{current}/infer", content=json.dumps(document), headers=headers)
    assert answer.status_code in (400, 415), answer.text
    assert isinstance(answer.json()["error"], str) and "\n" not in answer.json()["error"]


def test_what_unpacks_to_too_much_is_413(client):
    current = client.get("/info").json()["current"]
    bomb = gzip.compress(bytes(50_000_000))
    answer = client.post(f"/v2/models/{current}/infer", content=bomb, headers={"content-encoding": "gzip"})
    assert answer.status_code == 413


def test_errors_below_v2_are_texts(client):
    assert isinstance(client.get("/v2/models/nobody").json()["error"], str)
    assert isinstance(client.get("/v2", headers={"host": "evil.example"}).json()["error"], str)
    assert set(client.get("/v2x").json()["error"]) == {"en", "zh"}
