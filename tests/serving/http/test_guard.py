"""Only this machine's page and programs are answered, and only what belongs to the page is served."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from convscope.serving.app import create_app
from convscope.serving.http.static_files import PAGE, PageFiles


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8000", "localhost:8000", "[::1]:8000", "192.168.1.5:80", "LOCALHOST"]
)
def test_our_own_names_are_answered(client, host):
    assert client.get("/health", headers={"host": host}).json() == {"status": "ok"}


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8000", "", "a:b:c", "[::1", "0x7f.1"]
)
def test_a_name_that_was_made_to_point_here_is_not(client, host):
    for path in ("/health", "/", "/api/classifiers"):
        answer = client.get(path, headers={"host": host})
        assert answer.status_code == 403 and set(answer.json()["error"]) == {"en", "zh"}


def test_the_name_that_it_was_started_with_is_ours(service):
    with TestClient(create_app(service, ("lab.example",)), base_url="http://lab.example:8000") as client:
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


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", "/predict", "POST"), ("POST", "/health", "GET"), ("DELETE", "/api/forward", "POST"), ("PUT", "/", "GET")],
)
def test_wrong_methods_are_405(client, method, path, allowed):
    answer = client.request(method, path)
    assert answer.status_code == 405 and set(answer.json()["error"]) == {"en", "zh"}
    assert allowed in answer.headers.get("allow", allowed)


@pytest.mark.parametrize(
    "path",
    [
        "/nothing", "/predict/x", "/api", "/api/nothing", "/../app.py", "/%2e%2e/app.py", "/..%2fapp.py",
        "/page/../../app.py", "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/..\\app.py",
        "/%5c..%5capp.py", "/%00", "/.git/config",
        "/index.html/x", "/a" * 2000, "/%ff",
        "/api/examples/lenet/..%2f..%2fetc%2fpasswd", "/docs", "/redoc",
    ],
)  # fmt: skip
def test_nothing_else_can_be_had(client, path):
    answer = client.get(path)
    assert answer.status_code in (404, 422), path
    assert set(answer.json()["error"]) == {"en", "zh"}


def test_files_of_the_page_have_their_type_and_are_asked_for_again(tmp_path):
    for name, content in (
        ("index.html", "<p>"),
        ("a.js", "1"),
        ("a.css", "p{}"),
        ("i18n/en.json", "{}"),
        (".hidden", "x"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    (tmp_path / "link.txt").symlink_to("/etc/passwd")
    client = TestClient(PageFiles(tmp_path))
    kinds = {
        "/": "text/html; charset=utf-8", "/a.js": "text/javascript; charset=utf-8", "/a.css": "text/css; charset=utf-8",
        "/i18n/en.json": "application/json",
    }  # fmt: skip
    for path, kind in kinds.items():
        answer = client.get(path)
        assert answer.headers["content-type"] == kind and answer.headers["cache-control"] == "no-cache"
        again = client.get(path, headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code == 304
    for path in ("/link.txt", "/.hidden", "/i18n"):
        with pytest.raises(Exception, match="404"):
            client.get(path)
    assert PAGE.name == "page"
