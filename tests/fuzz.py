"""Coverage-guided fuzzing of bundles and request bodies: `python -m tests.fuzz bundle -max_total_time=600`.

atheris changes inputs so that they reach code that no input has reached yet, which random ones (`test_fuzzed_bundles`)
seldom do. It has wheels for some versions of Python on Linux alone, so it is installed by hand: `pip install atheris`.
What is loaded or refused as promised is passed over; anything else ends the run and leaves the input as `crash-...`.
Options are libFuzzer's.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import struct
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["convscope"]):
    import convscope as cs
    from convscope.bundle_config import BUNDLED
    from convscope.serving.api.app import create_api
    from convscope.serving.api_server import hosting_of
    from convscope.serving.options import ServeOptions
    from convscope.target import Target

    BUNDLE = BUNDLED / "mnist-relu"
    cs.load(BUNDLE)  # imports what it needs while imports are instrumented

PARTS = ["config.json", "model.safetensors", "labels.txt", "familiar.safetensors"]
INFER = "/v2/models/mnist-relu/infer"
REQUESTS = [
    ("/predict", "image/png"),
    ("/predict", "multipart/form-data; boundary=x"),
    ("/predict", "application/json"),
    (INFER, "application/json"),
    (INFER, "application/octet-stream"),
]
REFUSED = {400, 413, 415, 422}
Fuzz = Callable[[bytes], None]


def header_of(path: Path) -> tuple[bytes, bytes]:
    """Return the JSON header of a safetensors file, and its numbers."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    return content[8 : 8 + length], content[8 + length :]


def bundles(folder: Path) -> tuple[Fuzz, list[bytes]]:
    """Return what loads a bundle with one part replaced, or a zip, and inputs to begin with."""
    originals = {name: (BUNDLE / name).read_bytes() for name in PARTS}
    numbers = {name: header_of(BUNDLE / name)[1] for name in PARTS if name.endswith(".safetensors")}
    bundle, archive = folder / "bundle", folder / "bundle.zip"
    bundle.mkdir()

    def fuzz(data: bytes) -> None:
        which, content = data[0] % (len(PARTS) + 1) if data else 0, data[1:]
        if which == len(PARTS):
            archive.write_bytes(content)
        else:
            name = PARTS[which]
            if name in numbers:  # the header alone: to change its numbers changes no path
                content = struct.pack("<Q", len(content)) + content + numbers[name]
            for part, original in originals.items():
                (bundle / part).write_bytes(content if part == name else original)
        try:
            cs.load(archive if which == len(PARTS) else bundle)
        except cs.ModelFileError as problem:
            assert problem.exit_code == 4 and "\n" not in str(problem), problem

    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as made:
        made.writestr("m/config.json", originals["config.json"])
        made.writestr("m/model.safetensors", b"")
    seeds = [header_of(BUNDLE / name)[0] if name in numbers else originals[name] for name in PARTS]
    return fuzz, [bytes([which]) + seed for which, seed in enumerate([*seeds, zipped.getvalue()])]


def bodies(folder: Path) -> tuple[Fuzz, list[bytes]]:
    """Return what asks the service, without a network, and inputs to begin with."""
    app = create_api(hosting_of([Target("mnist-relu")], ServeOptions()))
    loop = asyncio.new_event_loop()

    def fuzz(data: bytes) -> None:
        (path, kind), body = REQUESTS[data[0] % len(REQUESTS) if data else 0], data[1:]
        headers = {"content-type": kind, "host": "localhost", "content-length": str(len(body))}
        if kind == "application/octet-stream":
            headers["inference-header-content-length"] = str(body.find(b"}]}") + 3)
        status, answer = loop.run_until_complete(ask(app, path, headers, body))
        assert status == 200 or status in REFUSED, (status, answer[:500])
        error = json.loads(answer).get("error") if status != 200 else None
        assert status == 200 or isinstance(error, str) or (error["en"] and error["zh"]), answer[:500]

    png = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010800000000") + b"\0" * 20
    tensor = {"name": "pixels", "datatype": "UINT8", "shape": [1, 1, 32, 32], "parameters": {"binary_data_size": 1024}}
    text = json.dumps({"inputs": [tensor]}).encode()
    form = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + png + b"\r\n--x--\r\n"
    seeds = [png, form, b'{"images": ["QUJD", "data:image/png;base64,QQ=="]}', text, text + b"\0" * 1024]
    return fuzz, [bytes([which]) + seed for which, seed in enumerate(seeds)]


async def ask(app: Any, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
    """Return status and body of the application's answer to a POST."""
    said: list[Any] = []
    left = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        if left:
            return left.pop()
        await asyncio.sleep(60)  # the client waits
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        said.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": path, "raw_path": path.encode(), "root_path": "", "query_string": b"", "client": ("127.0.0.1", 5),
        "server": ("localhost", 80), "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    await app(scope, receive, send)
    return said[0]["status"], b"".join(message.get("body", b"") for message in said[1:])


TARGETS = {"bundle": bundles, "body": bodies}


def main(name: str, options: list[str]) -> None:
    """Fuzz one of `TARGETS` until an option of libFuzzer ends it, or an input does."""
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        (corpus := folder / "corpus").mkdir()
        fuzz, seeds = TARGETS[name](folder)
        for number, seed in enumerate(seeds):
            (corpus / str(number)).write_bytes(seed)
        atheris.Setup([sys.argv[0], "-max_len=4096", *options, str(corpus)], fuzz)
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
