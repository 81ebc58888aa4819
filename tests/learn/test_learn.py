"""`convscope learn`: the pages are served on this machine alone, or one line says how to get them."""

from __future__ import annotations

import socket
import threading
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

import convscope.learn
from convscope.cli import main
from convscope.errors import OutputError
from convscope.learn import make_server


@pytest.fixture
def site(tmp_path):
    (tmp_path / "site" / "zh").mkdir(parents=True)
    (tmp_path / "site" / "index.html").write_text("both")
    (tmp_path / "site" / "zh" / "search.js").write_text("1")
    (tmp_path / "secret.txt").write_text("not a page")
    return tmp_path / "site"


def test_pages_are_served_and_nothing_else(site):
    server = make_server(site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    try:
        assert urlopen(f"{address}/").read() == b"both"
        assert urlopen(f"{address}/zh/search.js").headers["content-type"] == "text/javascript"
        for path in ("/zh/", "/../secret.txt", "/%2e%2e/secret.txt", "/none.html"):
            with pytest.raises(HTTPError, match="404"):
                urlopen(address + path)
    finally:
        server.shutdown()
        server.server_close()


def test_without_a_port_the_next_free_one_is_taken(site):
    with make_server(site) as first, make_server(site) as second:
        assert first.server_port != second.server_port
        with pytest.raises(
            OutputError, match=rf"cannot listen on 127.0.0.1:{first.server_port}: .*give another --port"
        ):
            make_server(site, first.server_port)
        assert first.socket.getsockname()[0] == "127.0.0.1"
        assert first.socket.family == socket.AF_INET


def test_what_cannot_be_done_is_said_in_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(convscope.learn, "SITE", tmp_path)
    assert main(["learn"]) == 2
    assert capsys.readouterr().err.startswith("error: this installation has no course: run `make docs`")
    assert main(["learn", "--language", "fr"]) == 2
    assert capsys.readouterr().err == "error: --language must be zh or en, not fr\n"
