"""The access guard: only this machine's page and programs are answered."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from convscope.errors import UsageError
from convscope.serving.app import create_app
from convscope.serving.http.access import Access
from convscope.serving.http.guard import checked_origin


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8000", "localhost:8000", "[::1]:8000", "192.168.1.5:80", "LOCALHOST"]
)
def test_our_own_names_are_answered(client, host):
    assert client.get("/health", headers={"host": host}).json() == {"status": "ok"}


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8000", "", "a:b:c", "[::1", "0x7f.1"]
)
def test_a_foreign_name_that_points_here_is_rejected(client, host):
    for path in ("/health", "/", "/api/classifiers"):
        answer = client.get(path, headers={"host": host})
        assert answer.status_code == 403 and set(answer.json()["error"]) == {"en", "zh"}


def test_two_hosts_are_none(client):
    answer = client.get("/health", headers=[("host", "127.0.0.1"), ("host", "evil.example")])
    assert answer.status_code == 400 and "several Host headers" in answer.json()["error"]["en"]


def test_only_named_pages_may_show_it_in_a_frame(client, service):
    assert client.get("/").headers["content-security-policy"].endswith("; frame-ancestors 'none'")
    origins = tuple(map(checked_origin, ["http://LocalHost:8888/", "vscode-webview://abc", "https://[::1]:9"]))
    with TestClient(create_app(service, Access(frame_origins=origins)), base_url="http://127.0.0.1") as framed:
        policy = framed.get("/").headers["content-security-policy"]
    assert policy.endswith("; frame-ancestors http://localhost:8888 vscode-webview://abc https://[::1]:9")
    for text in ("*", "https://*.example", "http://a.b/c", "localhost", "'self'", "http://a.b; script-src *", ""):
        with pytest.raises(UsageError, match="give the origin"):
            checked_origin(text)


def test_the_host_that_was_asked_for_is_answered(service):
    with TestClient(create_app(service, Access(("lab.example",))), base_url="http://lab.example:8000") as client:
        assert client.get("/health").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:3000"},
        {"origin": ""},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_another_page_cannot_send_anything(client, digit, forwarded, headers):
    for method, path in (
        ("POST", "/predict"),
        ("POST", "/api/forward"),
        ("PATCH", f"/api/what-if/{forwarded.header['session']}"),
    ):
        answer = client.request(method, path, content=digit, headers={"host": "127.0.0.1:8000", **headers})
        assert answer.status_code == 403 and "another web page" in answer.json()["error"]["en"]
        assert "access-control-allow-origin" not in answer.headers


def test_our_page_and_programs_can(client, digit):
    page = {"host": "127.0.0.1:8000", "origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"}
    assert client.post("/predict", content=digit, headers=page).status_code == 200
    assert client.post("/predict", content=digit).status_code == 200


def test_every_answer_carries_the_policy(client):
    for answer in (
        client.get("/"),
        client.get("/health"),
        client.get("/nothing"),
        client.get("/", headers={"host": "evil"}),
    ):
        assert answer.headers["content-security-policy"].startswith("default-src 'self'")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
