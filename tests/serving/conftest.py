"""The service in this process, to test its answers, and as a process of its own, to test its behaviour."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import os
import signal
import struct
import subprocess
import sys
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from starlette.testclient import TestClient

import convscope as cs
from convscope.png import png_bytes
from convscope.serving.app import create_app
from convscope.serving.classifiers import Registry
from convscope.serving.service import Service
from convscope.serving.worker import Worker

URL = "http://127.0.0.1"


def run_in_thread(scene: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine in a thread of its own: an earlier browser test may have left an event loop in this one."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, scene).result()


@dataclass
class BinaryAnswer:
    """A binary response, parsed as the page does."""

    header: dict[str, Any]
    payload: bytes

    @classmethod
    def of(cls, response: httpx.Response) -> BinaryAnswer:
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == "application/x-convscope"
        (length,) = struct.unpack("<I", response.content[:4])
        start = 4 + length + -length % 4
        assert not any(response.content[4 + length : start])
        return cls(json.loads(response.content[4 : 4 + length]), response.content[start:])

    def layer(self, name: str) -> dict[str, Any]:
        return next(layer for layer in self.header["layers"] if layer["name"] == name)

    def plane(self, layer: dict[str, Any], index: int) -> np.ndarray:
        """Return the `index`-th map of a layer."""
        entry, shape = layer["maps"][index], layer["shape"]
        size = tuple(shape[1:]) if len(shape) == 3 and shape[1] * shape[2] > 1 else (1, int(np.prod(shape)))
        levels = np.frombuffer(self.payload, np.uint8, size[0] * size[1], entry["offset"]).reshape(size)
        return entry["low"] + levels / 255 * (entry["high"] - entry["low"])

    def floats(self, *shape: int) -> np.ndarray:
        return np.frombuffer(self.payload, "<f4", int(np.prod(shape)), self.header["offset"]).reshape(shape)


def make_service(run: str, **options: Any) -> Service:
    return Service(Registry([run], torch.device("cpu")), Worker("quick"), Worker("slow"), **options)


@pytest.fixture(scope="package")
def service(digits_run: cs.Run) -> Iterator[Service]:
    made = make_service(str(digits_run.folder))
    yield made
    assert made.quick.close() and made.slow.close() and made.hosting.close()


@pytest.fixture(scope="package")
def client(service: Service) -> Iterator[TestClient]:
    with TestClient(create_app(service), base_url=URL, raise_server_exceptions=False) as made:
        yield made


@pytest.fixture(scope="package")
def digit(digits_run: cs.Run) -> bytes:
    """A test image of a seven, as a PNG."""
    data = cs.load_data("digits")
    test = data.splits["test"]
    return png_bytes(np.asarray(test.images[int(np.flatnonzero(test.labels == 7)[0])]))


@pytest.fixture
def forwarded(client: TestClient, digit: bytes) -> BinaryAnswer:
    return BinaryAnswer.of(client.post("/api/forward", content=digit, params={"maps": 64}))


# `convscope` with a service that waits less long for slow clients, so that tests need not wait either.
IMPATIENT = """
import sys
from convscope.cli import main
from convscope.serving import http_server
from convscope.serving.http import slow_clients, upload_pace
upload_pace.SECONDS = slow_clients.WRITE_SECONDS = slow_clients.UNREAD_SECONDS = 2.0
http_server.SHUTDOWN_SECONDS = 2
sys.exit(main())
"""


class Running:
    """`convscope serve` as a process of its own."""

    def __init__(self, folder: Path, *words: str, impatient: bool = False):
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        program = ["-c", IMPATIENT] if impatient else ["-m", "convscope"]
        command = [sys.executable, *program, "serve", *words]
        self.log = (folder / "serve.log").open("w+")
        self.process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert " at http://" in line, line + self.errors()
        self.url = line.split(" at ")[1].strip()
        self.port = int(self.url.rsplit(":", 1)[1])

    def errors(self) -> str:
        self.log.seek(0)
        return self.log.read()

    def memory(self) -> int:
        """Return the resident memory in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) * 1024

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(20)
        finally:
            self.process.kill()
            self.log.close()


@pytest.fixture(scope="package")
def running(digits_run: cs.Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    made = Running(tmp_path_factory.mktemp("serve"), str(digits_run.folder), "--port", "0")
    yield made
    made.stop()
