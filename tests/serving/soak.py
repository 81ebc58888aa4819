"""Requests for a long time, a fifth of them hostile: what each must be answered with, and how much memory grows."""

from __future__ import annotations

import base64
import json
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import httpx
import numpy as np
import tritonclient.http as triton

from ..data.hostile import SKIPPED
from .conftest import BinaryAnswer, Running

MB, CLIENTS, HOSTILE_SHARE = 1_000_000, 4, 0.2
BAD_IMAGES = [content for content, _ in SKIPPED.values() if len(content) < 200_000]
Ask = Callable[[httpx.Client, random.Random], httpx.Response | None]


@dataclass
class Soak:
    """What came of it: requests by status, those that were answered wrongly, and the resident memory every so often."""

    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)

    @property
    def growth(self) -> int:
        """Bytes by which the memory was larger at the end than after the first third, by their medians."""
        third = len(self.memory) // 3
        return int(np.median(self.memory[-max(third, 1) :]) - np.median(self.memory[third : 2 * third]))

    def __str__(self) -> str:
        step = max(len(self.memory) // 12, 1)
        figures = ", ".join(f"{memory / MB:.0f}" for memory in self.memory[::step])
        return f"{sum(self.statuses.values()):,} requests {dict(self.statuses)}; resident MB {figures}"


def soak(running: Running, asks: list[Ask], hostile: list[Ask], until: Callable[[Soak], bool]) -> Soak:
    """Let several clients ask the service until `until` says that it was enough."""
    found, stop = Soak(), threading.Event()

    def ask(number: int) -> None:
        rng = random.Random(number)
        with httpx.Client(base_url=running.url, timeout=30) as client:
            while not stop.is_set():
                is_hostile = bool(hostile) and rng.random() < HOSTILE_SHARE
                one = rng.choice(hostile if is_hostile else asks)
                try:
                    answer = one(client, rng)
                except (httpx.TransportError, AssertionError) as problem:
                    found.wrong.append(f"{one.__name__}: {problem!r}"[:300])
                    continue
                if answer is None:
                    continue
                found.statuses[answer.status_code] += 1
                if answer.status_code not in ((400, 403, 404, 405, 413, 415, 422) if is_hostile else (200,)):
                    found.wrong.append(f"{one.__name__}: {answer.status_code} {answer.text[:200]}")

    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(ask, number) for number in range(CLIENTS)]
        while not until(found) and not all(client.done() for client in clients):
            time.sleep(0.2)
            found.memory.append(running.memory())
        stop.set()
        for client in clients:
            client.result()
    return found


def for_seconds(seconds: float) -> Callable[[Soak], bool]:
    end = time.monotonic() + seconds
    return lambda found: time.monotonic() > end


def for_requests(number: int) -> Callable[[Soak], bool]:
    return lambda found: sum(found.statuses.values()) >= number


def api_asks(digit: bytes, label: str) -> list[Ask]:
    """The ways to ask for a prediction; each checks its answer."""
    encoded = base64.b64encode(digit).decode()

    def checked(answer: httpx.Response, predictions: list[dict]) -> httpx.Response:
        assert predictions[0]["label"] == label, answer.text
        return answer

    def raw(client: httpx.Client, rng: random.Random) -> httpx.Response:
        answer = client.post("/predict", content=digit)
        return checked(answer, answer.json()["predictions"])

    def form(client: httpx.Client, rng: random.Random) -> httpx.Response:
        answer = client.post("/predict", files=[("file", ("a.png", digit))] * 3, params={"topk": 2})
        return checked(answer, answer.json()["results"][2]["predictions"])

    def in_json(client: httpx.Client, rng: random.Random) -> httpx.Response:
        answer = client.post("/predict", json={"image": encoded})
        return checked(answer, answer.json()["predictions"])

    def protocol_v2(client: httpx.Client, rng: random.Random) -> httpx.Response:
        given = triton.InferInput("image", [1], "BYTES")
        given.set_data_from_numpy(np.array([digit], dtype=object))
        body, length = triton.InferenceServerClient.generate_request_body([given])
        name = client.get("/info").json()["current"]
        headers = {"Inference-Header-Content-Length": str(length)} if length else {}
        return client.post(f"/v2/models/{name}/infer", content=body, headers=headers)

    def figures(client: httpx.Client, rng: random.Random) -> httpx.Response:
        return client.get(rng.choice(["/health", "/ready", "/info", "/metrics", "/openapi.json", "/docs"]))

    return [raw, form, in_json, protocol_v2, raw, form, in_json, figures]


def hostile_asks(port: int, digit: bytes) -> list[Ask]:
    """What must be refused, and clients that leave in the middle."""

    def bad_image(client: httpx.Client, rng: random.Random) -> httpx.Response:
        return client.post("/predict", content=rng.choice(BAD_IMAGES), headers={"content-type": "image/png"})

    def noise(client: httpx.Client, rng: random.Random) -> httpx.Response:
        return client.post("/predict", content=rng.randbytes(rng.randrange(1, 100_000)))

    def bad_json(client: httpx.Client, rng: random.Random) -> httpx.Response:
        body = rng.choice([b"{", b"[" * 5000, b'{"image": "%"}', json.dumps({"images": ["QQ=="] * 65}).encode()])
        return client.post("/predict", content=body, headers={"content-type": "application/json"})

    def bad_form(client: httpx.Client, rng: random.Random) -> httpx.Response:
        return client.post("/predict", files={"other": ("a.png", digit)})

    def bad_tensor(client: httpx.Client, rng: random.Random) -> httpx.Response:
        tensor = {"name": "pixels", "shape": [10**12], "datatype": "UINT8", "data": [0]}
        name = client.get("/info").json()["current"]
        return client.post(f"/v2/models/{name}/infer", json={"inputs": [tensor]})

    def huge(client: httpx.Client, rng: random.Random) -> httpx.Response:
        return client.post("/predict", content=bytes(17 * MB), headers={"content-type": "image/png"})

    def nowhere(client: httpx.Client, rng: random.Random) -> httpx.Response:
        return client.get(rng.choice(["/..%2f..%2fetc/passwd", "/v2/models/x", "/%00", "/predict"]))

    def foreign(client: httpx.Client, rng: random.Random) -> httpx.Response:
        return client.post("/predict", content=digit, headers={"origin": "https://evil.example"})

    def leaves(client: httpx.Client, rng: random.Random) -> None:
        head = f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {rng.choice([len(digit), 10**6])}\r\n\r\n"
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as gone:
            gone.sendall(rng.choice([b"\0" * 30, b"GET /", head.encode(), head.encode() + digit]))

    return [bad_image, bad_image, noise, bad_json, bad_form, bad_tensor, huge, nowhere, foreign, leaves, leaves]


def page_asks(digit: bytes) -> list[Ask]:
    """What the page asks while somebody looks around: each begins with a picture of its own."""

    def look(client: httpx.Client, rng: random.Random) -> httpx.Response:
        page = {"x-page": f"page {id(client)} {rng.randrange(300)}"}  # of nobody else
        header = BinaryAnswer.of(client.post("/api/forward", content=digit, headers=page)).header
        session, layers = header["session"], [layer["name"] for layer in header["layers"]]
        layer = rng.choice(layers[1:-1])
        off = {"channels_off": {layers[1]: [rng.randrange(6)]}}
        questions = [
            lambda: client.get(f"/api/activations/{session}/{layer}", params={"maps": "0:4"}),
            lambda: client.get(f"/api/arithmetic/{session}/{layers[1]}", params={"map": 0, "y": 3, "x": 4}),
            lambda: client.get(f"/api/seen/{session}", params={"row": 5, "column": 6}),
            lambda: client.get(f"/api/health/{session}"),
            lambda: client.get(f"/api/gradients/{session}", params={"label": 3}),
            lambda: client.get(f"/api/attribution/{session}", params={"method": "saliency"}),
            lambda: client.patch(f"/api/what-if/{session}", json=off, headers=page),
            lambda: client.get("/api/classifiers"),
            lambda: client.get("/api/network"),
            lambda: client.post("/predict", content=digit),
        ]
        return rng.choice(questions)()

    return [look]
