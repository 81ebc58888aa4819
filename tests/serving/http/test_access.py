"""Who may use the service: the key, pages of other origins, proxies with a prefix, and the ids of requests."""

from __future__ import annotations

import base64
import json
import logging

import pytest
from starlette.testclient import TestClient

from convscope.errors import UsageError
from convscope.serving.app import create_app
from convscope.serving.http.access import Access
from convscope.serving.http.guard import checked_host_name
from convscope.serving.http.json_log import JsonHandler
from convscope.serving.http.prefix import checked_prefix
from convscope.serving.options import ServeOptions

from ..conftest import URL


def client_of(service, **access) -> TestClient:
    return TestClient(create_app(service, Access(**access)), base_url=URL)


def test_without_the_key_nothing_is_answered(service, digit):
    client = client_of(service, api_key="open sesame")
    basic = "Basic " + base64.b64encode(b"anyone:open sesame").decode()
    for headers in ({"x-api-key": "open sesame"}, {"authorization": "bearer open sesame"}, {"authorization": basic}):
        assert client.post("/predict", content=digit, headers=headers).status_code == 200
        assert client.get("/", headers=headers).status_code == 200
    wrong = [{}, {"x-api-key": "open sesam"}, {"authorization": "Basic !"}, {"authorization": "open sesame"}]
    for headers in [*wrong, {"x-api-key": "Ã".encode("latin-1")}]:
        for path in ("/", "/predict", "/metrics", "/openapi.json", "/api/classifiers", "/v2/models/x"):
            answer = client.get(path, headers=headers)
            assert answer.status_code == 401 and answer.json()["error"]
            assert answer.headers["www-authenticate"].startswith("Basic ") and answer.headers["x-request-id"]
        assert client.post("/predict", content=bytes(1_000_000), headers=headers).status_code == 401
    assert client.get("/health").status_code == client.get("/ready").status_code == 200


def test_only_named_pages_may_ask(service, digit):
    client = client_of(service, page_origins=("https://app.example",), api_key="k")
    page = {"origin": "https://app.example", "sec-fetch-site": "cross-site"}
    before = {"access-control-request-method": "POST", "access-control-request-headers": "x-api-key"}
    asked = client.options("/predict", headers=page | before)
    assert asked.status_code == 200 and asked.headers["access-control-allow-origin"] == "https://app.example"
    answer = client.post("/predict", content=digit, headers=page | {"x-api-key": "k"})
    assert answer.status_code == 200 and answer.headers["access-control-allow-origin"] == "https://app.example"
    for origin in ("https://evil.example", "http://app.example", "https://app.example:8443"):
        foreign = page | {"origin": origin}
        assert client.post("/predict", content=digit, headers=foreign | {"x-api-key": "k"}).status_code == 403
        assert "access-control-allow-origin" not in client.get("/health", headers=foreign).headers
        assert client.options("/predict", headers=foreign | before).status_code == 400


def test_behind_a_proxy_with_a_prefix(service, digit):
    client = client_of(service, prefix="/lab/models", proxy_names=("hub.example:8443",))
    for path in ("/lab/models", ""):  # the proxy leaves the prefix, or removes it
        assert client.post(f"{path}/predict", content=digit).status_code == 200
        assert "ConvScope" in client.get(f"{path}/").text
        assert client.get(f"{path}/style.css").status_code == 200
    moved = client.get("/lab/models", follow_redirects=False)
    assert moved.status_code == 307 and moved.headers["location"].endswith("/lab/models/")
    assert client.get("/lab/modelspredict").status_code == 404
    assert client.get("/openapi.json").json()["servers"] == [{"url": "/lab/models"}]
    for host in ("hub.example:8443", "127.0.0.1:8000"):  # the proxy passes the name on, or does not
        through = {"host": host, "origin": "https://hub.example:8443"}
        assert client.post("/predict", content=digit, headers=through).status_code == 200
        assert (
            client.post("/predict", content=digit, headers=through | {"origin": "https://hub.example"}).status_code
            == 403
        )


def test_options_that_make_no_sense_are_named():
    for text in ("models", "/a b", "/../x", "//a", "/a?b"):
        with pytest.raises(UsageError, match="--root-path"):
            checked_prefix(text)
    assert checked_prefix("/a/b/") == "/a/b" and checked_prefix("/") == checked_prefix("") == ""
    for text in ("http://a.example", "a/b", "", "*"):
        with pytest.raises(UsageError, match="--allow-host"):
            checked_host_name(text)
    for options in ({"api_key": ""}, {"api_key": "a\nb"}, {"cors_origin": ["*"]}, {"allow_frame": ["a"]}):
        with pytest.raises(UsageError, match="--" + next(iter(options)).replace("_", "-")):
            ServeOptions(**options).access()


def test_every_request_has_an_id_and_a_line(client, digit, capsys, monkeypatch):
    log = logging.getLogger("convscope.requests")
    handler = JsonHandler()
    log.addHandler(handler)
    monkeypatch.setattr(log, "level", logging.INFO)
    log.manager._clear_cache()
    try:
        assert (
            client.post("/predict", content=digit, headers={"x-request-id": "abc-1"}).headers["x-request-id"] == "abc-1"
        )
        forged = client.get("/nothing%0Ahere", headers={"x-request-id": "a b\t"}).headers["x-request-id"]
    finally:
        log.removeHandler(handler)
        log.manager._clear_cache()
    assert len(forged) == 16
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["request_id"], line["status"], line["path"]) for line in lines] == [
        ("abc-1", 200, "/predict"),
        (forged, 404, "/nothing\nhere"),
    ]
    assert lines[0]["answered"] == 1 and lines[0]["timings_ms"]["network"] > 0 and lines[0]["ms"] > 0
