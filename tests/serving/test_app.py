"""The routes: parameters and methods that are accepted, and the prediction as JSON."""

from __future__ import annotations

import numpy as np
import pytest

from convscope.png import png_bytes


def in_both_languages(answer) -> str:
    error = answer.json()["error"]
    assert set(error) == {"en", "zh"} and all(error.values())
    assert "\n" not in error["en"] and "Traceback" not in answer.text
    return error["en"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", "/predict", "POST"), ("POST", "/health", "GET"), ("DELETE", "/api/forward", "POST"), ("PUT", "/", "GET")],
)
def test_wrong_methods_are_405(client, method, path, allowed):
    answer = client.request(method, path)
    assert answer.status_code == 405 and set(answer.json()["error"]) == {"en", "zh"}
    assert allowed in answer.headers.get("allow", allowed)


def test_a_digit_is_read_as_what_it_is(client, digit):
    answer = client.post("/predict", content=digit, params={"topk": 3}).json()
    assert answer["predictions"][0]["label"] == "7" and len(answer["predictions"]) == 3
    assert set(answer) == {"predictions", "abstained", "model", "time_ms", "timings_ms"}
    assert answer["model"] and answer["time_ms"] > answer["timings_ms"]["network"] > 0
    assert answer["abstained"] is False
    listed = client.post("/predict", content=digit, params={"format": "hf", "topk": 2}).json()
    assert listed == [{"label": row["label"], "score": row["probability"]} for row in answer["predictions"][:2]]


def test_what_is_no_digit_is_said(client):
    noise = png_bytes(np.random.default_rng(0).integers(0, 256, (8, 8)).astype(np.uint8))
    answer = client.post("/predict", content=noise).json()
    assert answer["abstained"] is True and answer["reason"] == "close to no class" and answer["predictions"]


@pytest.mark.parametrize("query", ["topk=0", "topk=x", "topk=1.5", "format=xml", "topk=99999999999999999999"])
def test_bad_parameters_are_422(client, digit, query):
    answer = client.post(f"/predict?{query}", content=digit)
    assert answer.status_code == 422 and query.split("=")[0] in in_both_languages(answer)


def test_more_classes_than_there_are_is_all_of_them(client, digit):
    assert len(client.post("/predict?topk=500", content=digit).json()["predictions"]) == 10
