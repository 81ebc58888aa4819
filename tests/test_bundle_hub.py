"""Bundles on the hub: fetched whole or not at all, safetensors only, and what was pushed is what is loaded.

The hub is one of our own on this machine, which speaks as much of the real one's protocol as its library uses.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import convscope as cs
from convscope.bundle_config import BUNDLED, find_bundle
from convscope.bundle_hub import fetch_bundle, push_bundle, with_licence
from convscope.cli import main
from convscope.errors import ConvScopeError, ModelFileError, UsageError

BUNDLE = BUNDLED / "mnist-lenet5"
DIGIT = np.zeros((28, 28), np.uint8)


class Hub(ThreadingHTTPServer):
    """Repositories in memory: files by name for each, and what was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"

    def commit(self, repository: str) -> str:
        files = self.repositories[repository]
        return hashlib.sha1(b"".join(name.encode() + files[name] for name in sorted(files))).hexdigest()


class Answers(BaseHTTPRequestHandler):
    """What the hub answers."""

    server: Hub

    def log_message(self, *words: Any) -> None: ...

    def answer(self, content: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        kind = headers.pop("kind", "application/json")
        for name, value in {"content-type": kind, "content-length": str(len(content)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        words = self.path.split("?")[0].strip("/").split("/")
        repository = "/".join(words[2:4] if words[0] == "api" else words[:2])
        files = self.server.repositories.get(repository)
        if files is None:
            self.answer(b"{}", 404, X_Error_Code="RepoNotFound")
        elif words[0] == "api" and words[4:5] == ["tree"]:
            tree = [{"type": "file", "path": name, "size": len(files[name]), "oid": "0" * 40} for name in files]
            self.answer(json.dumps(tree).encode())
        elif words[0] == "api":
            listed = {"siblings": [{"rfilename": name} for name in files]}
            self.answer(json.dumps({"id": repository, "sha": self.server.commit(repository), **listed}).encode())
        else:
            name = "/".join(words[4:])
            headers = {"ETag": f'"{hashlib.sha1(files[name]).hexdigest()}"', "X_Repo_Commit": words[3]}
            self.answer(files[name], kind="application/octet-stream", **headers)

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        words = self.path.split("?")[0].strip("/").split("/")
        if words[1:] == ["repos", "create"]:
            wish = json.loads(body)
            name = f"{wish['organization']}/{wish['name']}" if wish.get("organization") else wish["name"]
            self.server.repositories.setdefault(name, {})
            self.answer(json.dumps({"url": f"{self.server.url}/{name}", "id": name}).encode())
        elif words[1] == "validate-yaml":  # the head of the card
            self.answer(b'{"errors": [], "warnings": []}')
        elif words[4] == "preupload":
            files = [
                {"path": one["path"], "uploadMode": "regular", "shouldIgnore": False}
                for one in json.loads(body)["files"]
            ]
            self.answer(json.dumps({"files": files}).encode())
        else:
            repository = "/".join(words[2:4])
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    content = base64.b64decode(line["value"]["content"])
                    self.server.repositories[repository][line["value"]["path"]] = content
            sha = self.server.commit(repository)
            address = f"{self.server.url}/{repository}/commit/{sha}"
            self.answer(json.dumps({"commitUrl": address, "commitOid": sha, "success": True}).encode())


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    made = Hub()
    threading.Thread(target=made.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", made.url)
    monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "cache"))
    made.repositories["anna/digits"] = {path.name: path.read_bytes() for path in BUNDLE.iterdir()}
    yield made
    made.shutdown()
    made.server_close()


def test_it_is_the_same_classifier_and_fetched_once(hub, caplog):
    hub.repositories["anna/digits"] |= {"evil.py": b"raise SystemExit", "pytorch_model.bin": b"pickle"}
    expected = cs.load(BUNDLE).probabilities([DIGIT])
    assert np.array_equal(cs.load("hf://anna/digits").probabilities([DIGIT]), expected)
    folder = find_bundle("hf://anna/digits")
    assert folder.name == "digits" and not (folder / "evil.py").exists() and not (folder / "pytorch_model.bin").exists()
    assert (
        sum("resolve" in path for path in hub.asked if "safetensors" in path) <= 4
    )  # model and features, HEAD and GET
    before = len(hub.asked)
    assert cs.load("hf://anna/digits@main").architecture == "lenet5"
    assert len(hub.asked) == before + 1  # only whether there is a newer commit


def test_a_newer_commit_is_fetched_whole_and_offline_the_last_one_serves(hub, caplog):
    first = fetch_bundle("hf://anna/digits")
    config = json.loads(hub.repositories["anna/digits"]["config.json"])
    config["label_names"] = [f"digit {n}" for n in range(10)]
    hub.repositories["anna/digits"]["config.json"] = json.dumps(config).encode()
    second = fetch_bundle("hf://anna/digits")
    assert second != first and cs.load(second).class_names[0] == "digit 0" and cs.load(first).class_names[0] == "0"
    hub.shutdown()
    hub.server_close()
    with caplog.at_level(logging.WARNING, "convscope"):
        assert fetch_bundle("hf://anna/digits") == second
    assert "the copy that was fetched before is used" in caplog.text
    with pytest.raises(ModelFileError, match="go online"):
        fetch_bundle("hf://anna/never-fetched")


def test_what_is_no_bundle_is_said(hub):
    hub.repositories["bob/pickle"] = {"config.json": b"{}", "pytorch_model.bin": b"x"}
    with pytest.raises(ModelFileError, match="safetensors only"):
        cs.load("hf://bob/pickle")
    with pytest.raises(ModelFileError, match="could not be fetched"):
        cs.load("hf://bob/nothing")
    for address in ("hf://", "hf://a", "hf://a/b/c", "hf://../x", "hf://a/b@../..", "hf://a/b?x"):
        with pytest.raises(UsageError, match="write hf://OWNER/NAME"):
            cs.load(address)


@pytest.mark.parametrize("card", ["", "# Mine\n", "---\ntags: [a]\n---\n\n# Mine\n"])
def test_a_card_of_any_kind_gets_its_licence(card):
    made = with_licence(card, "mit")
    assert made.startswith("---\n") and made.split("---\n")[1].count("license: mit\n") == 1
    assert card.rpartition("---\n")[2] in made and with_licence(made, "mit") == made


def test_what_was_pushed_is_what_is_loaded(hub, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HF_TOKEN", "hf_test")
    classifier = cs.load(BUNDLE)
    classifier.save(tmp_path / "mine", trained_on="my-photos")
    (tmp_path / "mine" / "notes.txt").write_text("private")
    assert main(["push", str(tmp_path / "mine"), "carl/mine"]) == 0
    assert f"published {hub.url}/carl/mine" in capsys.readouterr().out
    assert "notes.txt" not in hub.repositories["carl/mine"]
    card = hub.repositories["carl/mine"]["README.md"].decode()
    assert "license: unknown" in card and "Trained on my-photos." in card and "99.17% on 10,000 images" in card
    assert np.array_equal(cs.load("hf://carl/mine").probabilities([DIGIT]), classifier.probabilities([DIGIT]))
    assert main(["push", str(tmp_path / "mine"), "carl/mine", "--license", "Apache-2.0"]) == 0
    card = hub.repositories["carl/mine"]["README.md"].decode()
    assert "\nlicense: apache-2.0\n---\n" in card and "## Licence\n\napache-2.0\n\n## Intended use" in card
    assert "Not stated" not in card and "unknown\n" not in card and card.count("license") == 1
    assert (tmp_path / "mine" / "README.md").read_text() == card
    with pytest.raises(UsageError, match=r"such as apache-2\.0"):
        push_bundle(tmp_path / "mine", "carl/mine", licence="all rights reserved")
    with pytest.raises(UsageError, match="write hf://OWNER/NAME"):
        push_bundle(tmp_path / "mine", "carl")
    hub.shutdown()
    hub.server_close()
    with pytest.raises(ConvScopeError, match="could not be published"):
        push_bundle(tmp_path / "mine", "carl/mine")
