"""The service about itself."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from convscope.errors import ModelFileError


def test_it_says_what_it_is(client, digits_run):
    assert client.get("/ready").json() == {"ready": True}
    info = client.get("/info").json()
    models = {model["id"]: model for model in info["models"]}
    served = models[info["current"]]
    assert served["loaded"] and served["class_names"] == [str(n) for n in range(10)]
    assert served["input_size"] == list(digits_run.classifier.preprocess.input_size)
    assert served["details"]["metrics"] == digits_run.classifier.metrics
    assert info["limits"]["image_bytes"] == 16_000_000 and info["limits"]["queue"] == 256


@pytest.mark.parametrize("path", ["/health", "/ready", "/info", "/v2/health/ready", "/docs", "/predict", "/nothing"])
def test_a_load_balancer_may_ask_with_head(make_api, path):
    client, _, _ = make_api()
    answer, asked = client.head(path), client.get(path)
    assert answer.status_code == asked.status_code and answer.content == b""
    assert {**answer.headers, "x-request-id": ""} == {**asked.headers, "x-request-id": ""}
    route = path if asked.status_code != 404 else "other"
    assert f'method="HEAD",route="{route}"' in client.get("/metrics").text


def test_metrics_can_be_read_by_prometheus(make_api, digit):
    client, _, _ = make_api()
    for content in (digit, b"no"):
        client.post("/predict", content=content)
    client.get("/nothing/here")
    families = {family.name: family for family in text_string_to_metric_families(client.get("/metrics").text)}
    requests = {tuple(sorted(row.labels.items())): row.value for row in families["convscope_requests"].samples}
    key = lambda route, status, method: (("method", method), ("route", route), ("status", status))  # noqa: E731
    assert requests[key("/predict", "200", "POST")] == requests[key("/predict", "415", "POST")] == 1
    assert requests[key("other", "404", "GET")] == 1
    outcomes = {row.labels["outcome"]: row.value for row in families["convscope_images"].samples if row.value}
    assert sum(outcomes.values()) >= 2 and outcomes["unusable"] == 1
    assert families["process_resident_memory_bytes"].samples[0].value > 1e6


def test_a_service_that_is_ending_is_not_ready(make_api):
    client, _, hosting = make_api()
    hosting.is_stopping = lambda: True
    answer = client.get("/ready")
    assert answer.status_code == 503 and answer.json() == {"ready": False}
    assert client.get("/health").status_code == 200


def test_what_cannot_be_reloaded_stays(make_api, digit):
    client, _, hosting = make_api()

    def fail():
        raise ModelFileError("model.safetensors is damaged")

    hosting.by_id["digits"].load = fail
    assert client.post("/reload").json()["models"] == {"digits": "model.safetensors is damaged"}
    assert client.post("/predict", content=digit).status_code == 200
