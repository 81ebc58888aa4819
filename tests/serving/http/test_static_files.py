"""The files of the page are served with their types, and nothing outside of them."""

from __future__ import annotations

import httpx
import pytest
from starlette.testclient import TestClient

from convscope.serving.http.static_files import PAGE, PageFiles


@pytest.mark.parametrize(
    "path",
    [
        "/nothing", "/predict/x", "/api", "/api/nothing", "/../app.py", "/%2e%2e/app.py", "/..%2fapp.py",
        "/page/../../app.py", "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/..\\app.py",
        "/%5c..%5capp.py", "/%00", "/.git/config",
        "/index.html/x", "/a" * 2000, "/%ff",
        "/api/examples/lenet/..%2f..%2fetc%2fpasswd", "/redoc",
    ],
)  # fmt: skip
def test_nothing_else_is_served(client, path):
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


def test_the_page_of_the_running_service_is_there(running):
    answer = httpx.get(running.url)
    assert answer.status_code == 200 and answer.headers["content-type"] == "text/html; charset=utf-8"
