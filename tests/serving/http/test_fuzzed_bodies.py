"""Bodies of every shape that Hypothesis finds are read, or refused with a reason: forms, JSON, tensors."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from convscope.serving.api.open_inference.tensors import InferenceRequest, images_of
from convscope.serving.http.errors import HttpError
from convscope.serving.http.image_bodies import MAX_IMAGES, images_of_json
from convscope.serving.http.uploads import files_of_form, read_json

FEW, MANY = 150, 20_000
SIZE = (1, 32, 32)
REFUSED = {400, 413, 415, 422}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=10), inner, max_size=5),
    max_leaves=20,
)
BASE64 = st.sampled_from(["", "QQ==", "data:image/png;base64,QUJD", "Q", "%%%", "QQ\n==", "ÿ"])
IMAGES = st.fixed_dictionaries({}, optional={"image": BASE64 | JSON, "images": st.lists(BASE64 | JSON, max_size=3)})
NAMES = st.sampled_from(["pixels", "image", "", "x"])
SHAPES = st.lists(st.integers(-2, 40) | st.just(10**30), max_size=5) | st.just([1, *SIZE])
TENSORS = st.fixed_dictionaries(
    {"name": NAMES | JSON, "shape": SHAPES | JSON, "datatype": st.sampled_from(["UINT8", "BYTES", "FP32", ""])},
    optional={
        "data": st.lists(st.integers(-5, 300) | BASE64, max_size=20) | JSON,
        "parameters": st.fixed_dictionaries({}, optional={"binary_data_size": st.integers(-5, 2000) | JSON}) | JSON,
    },
)
REQUESTS = st.fixed_dictionaries(
    {"inputs": st.lists(TENSORS, max_size=3) | JSON},
    optional={
        "id": JSON,
        "outputs": st.lists(
            st.fixed_dictionaries(
                {"name": st.sampled_from(["probabilities", "logits", "abstained", "y"])},
                optional={"parameters": st.dictionaries(st.sampled_from(["classification", "binary_data"]), JSON)},
            ),
            max_size=3,
        )
        | JSON,
        "parameters": st.fixed_dictionaries({}, optional={"binary_data_output": JSON}) | JSON,
    },
)


def refused_or(check: Any, read: Any) -> None:
    """Call `read`: what it returns is checked, and all that it may raise is a refusal in both languages."""
    try:
        found = read()
    except HttpError as problem:
        assert problem.status in REFUSED and problem.en and problem.zh and "\n" not in problem.en
    else:
        check(found)


def is_list_of_bytes(found: Any) -> None:
    assert found and all(isinstance(one, bytes) for one in found)


def check_forms(examples: int) -> None:
    contents = st.lists(st.binary(max_size=60).filter(lambda part: b"--x" not in part), min_size=1, max_size=4)

    @settings(max_examples=examples, deadline=None)
    @given(contents, st.sampled_from(['name="file"', "name=file", 'filename="a"; name="file"']))
    def whole(files: list[bytes], name: str) -> None:
        head = f"--x\r\nContent-Disposition: form-data; {name}\r\n\r\n".encode()
        body = b"".join(head + file + b"\r\n" for file in files) + b"--x--\r\n"
        assert files_of_form(body, "x") == files

    @settings(max_examples=examples, deadline=None)
    @given(st.binary(max_size=300), st.none() | st.text(max_size=5))
    @example(b"--\r\n\r\n", "")
    def anything(body: bytes, boundary: str | None) -> None:
        refused_or(is_list_of_bytes, lambda: files_of_form(body, boundary))

    pieces = st.sampled_from(
        [
            b"--x",
            b"--",
            b"\r\n",
            b"\r\n\r\n",
            b'Content-Disposition: form-data; name="file"',
            b"name",
            b"\xff",
            b";",
            b'"',
        ]
    )

    @settings(max_examples=examples, deadline=None)
    @given(st.lists(pieces, max_size=20))
    def shuffled(parts: list[bytes]) -> None:
        refused_or(is_list_of_bytes, lambda: files_of_form(b"".join(parts), "x"))

    whole(), anything(), shuffled()


def check_json(examples: int) -> None:
    def is_images(found: tuple[list[bytes], bool]) -> None:
        assert all(isinstance(image, bytes) for image in found[0]) and len(found[0]) <= MAX_IMAGES + 1

    @settings(max_examples=examples, deadline=None)
    @given(st.one_of(JSON, IMAGES).map(json.dumps).map(str.encode) | st.binary(max_size=100))
    @example(b"[" * 9_000)
    @example(b'{"image": "\\ud800"}')
    @example(b"1" * 5_000)
    def documents(body: bytes) -> None:
        refused_or(is_images, lambda: images_of_json(read_json(body)))

    documents()


def check_tensors(client: TestClient, model: str, examples: int) -> None:
    def are_images(found: list[Any]) -> None:
        assert all(isinstance(image, bytes) or image.shape == (*SIZE[1:], SIZE[0]) for image in found)

    @settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(REQUESTS, st.binary(max_size=1100))
    @example({"inputs": [{"name": "pixels", "shape": [1, *SIZE], "datatype": "UINT8", "data": [0] * 1024}]}, b"")
    def requests(document: Any, binary: bytes) -> None:
        try:
            asked = InferenceRequest.model_validate(document)
        except ValueError:
            return
        refused_or(are_images, lambda: images_of(asked, binary, SIZE))

    @settings(max_examples=examples // 3, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(REQUESTS.map(json.dumps).map(str.encode), st.binary(max_size=1100), st.integers(-3, 3), st.booleans())
    def over_http(text: bytes, binary: bytes, off: int, has_header: bool) -> None:
        headers = {"Inference-Header-Content-Length": str(len(text) + off)} if has_header else {}
        answer = client.post(f"/v2/models/{model}/infer", content=text + binary, headers=headers)
        assert answer.status_code in REFUSED | {200}, answer.text
        assert answer.status_code == 200 or isinstance(answer.json()["error"], str)

    requests(), over_http()


@pytest.fixture(scope="module")
def model(service) -> str:
    return next(iter(service.hosting.by_id))


def test_forms_are_read_or_refused():
    check_forms(FEW)


def test_documents_are_read_or_refused():
    check_json(FEW)


def test_tensors_are_read_or_refused(client, model):
    check_tensors(client, model, FEW)


@pytest.mark.slow
def test_many_more_bodies_are_read_or_refused(client, model):
    check_forms(MANY)
    check_json(MANY)
    check_tensors(client, model, MANY)


def test_whole_tensors_come_back_as_they_were():
    pixels = np.random.default_rng(0).integers(0, 256, (3, *SIZE), np.uint8)
    asked = InferenceRequest.model_validate(
        {
            "inputs": [
                {
                    "name": "pixels", "shape": [3, *SIZE], "datatype": "UINT8",
                    "parameters": {"binary_data_size": pixels.nbytes},
                }
            ]
        }
    )  # fmt: skip
    images = images_of(asked, pixels.tobytes(), SIZE)
    assert np.array_equal(np.stack(images).transpose(0, 3, 1, 2), pixels)
