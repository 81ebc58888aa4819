"""A network of microseconds is computed by the event loop's own thread: the same answers, bounds and refusals."""

from __future__ import annotations

import asyncio
import socket
import threading

import httpx
import numpy as np
import pytest
from starlette.testclient import TestClient

import convscope as cs
from convscope.png import png_bytes
from convscope.predictor import open_predictor
from convscope.serving.api.answering import GraphAnswering
from convscope.serving.api.app import create_api
from convscope.serving.api.batching import is_brief_to_decode
from convscope.serving.api.hosting import Hosted, Hosting, Limits

from ..conftest import URL, Running, run_in_thread


class Watched(GraphAnswering):
    """The real one; `batches` has the size of each batch and the thread that computed it."""

    def warm_up(self) -> None:
        super().warm_up()
        self.brief_batch = 5  # also on a machine that is busy
        self.batches: list[tuple[int, bool]] = []

    def compute(self, pixels):
        if hasattr(self, "batches"):
            is_event_loop = "batches" not in threading.current_thread().name
            self.batches.append((len(pixels), is_event_loop))
        return super().compute(pixels)


@pytest.fixture(scope="module")
def images() -> list[bytes]:
    return [png_bytes(np.asarray(image)) for image in cs.load_data("digits").splits["test"].images[:40]]


@pytest.fixture
def watched():
    answering = Watched(open_predictor("mnist-relu"))
    answering.warm_up()
    return answering


@pytest.fixture
def client(watched):
    hosting = Hosting([Hosted("relu", lambda: watched, lambda: watched, lambda: True)], "relu", Limits(queue=30))
    yield TestClient(create_api(hosting), base_url=URL)
    assert hosting.close()


async def at_once(client: TestClient, images: list[bytes]) -> list[httpx.Response]:
    transport = httpx.ASGITransport(app=client.app)
    async with httpx.AsyncClient(transport=transport, base_url=URL, timeout=30) as asking:
        return await asyncio.gather(*(asking.post("/predict", content=image) for image in images))


def test_a_crowd_gets_the_classifiers_answers_in_batches_of_the_event_loop(client, watched, images):
    large = np.random.default_rng(0).integers(0, 256, (300, 300), dtype=np.uint8)
    pictures = [*images[:20], png_bytes(large), images[21][:-30], images[20]]
    answers = run_in_thread(at_once(client, pictures))
    classifier = cs.load("mnist-relu")
    for image, answer in zip(pictures, answers, strict=True):
        if image == pictures[21]:
            assert answer.status_code == 400
            continue
        expected = classifier.predict(image, topk=1)[0]
        first = answer.json()["predictions"][0]
        assert first["index"] == expected.index and abs(first["probability"] - expected.probability) < 1e-4
    here = [size for size, is_event_loop in watched.batches if is_event_loop]
    assert sum(here) == 21 and 1 < max(here) <= 5
    assert [size for size, is_event_loop in watched.batches if not is_event_loop] == [1]  # the large one


def test_more_than_may_wait_are_503_and_the_rest_is_answered(client, images):
    answers = run_in_thread(at_once(client, images))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 503} and statuses.count(200) >= 30
    assert all(answer.headers["retry-after"] == "1" for answer in answers if answer.status_code == 503)


def test_a_network_that_fails_is_500_and_the_next_request_is_answered(client, watched, images):
    right, watched.compute = watched.compute, lambda pixels: 1 / 0
    assert client.post("/predict", content=images[0]).status_code == 500
    watched.compute = right
    assert client.post("/predict", content=images[0]).status_code == 200


def test_parameters_change_only_what_they_say(client, images):
    plain, same = (client.post(f"/predict{query}", content=images[0]).json() for query in ("", "?topk=5"))
    assert plain["predictions"] == same["predictions"] and set(plain) == set(same)
    assert client.post("/predict?topk=0", content=images[0]).status_code == 422
    for query in ("", "?topk=5"):
        answer = client.post(f"/predict{query}", content=b"no image", headers={"content-type": "text/plain"})
        assert answer.status_code == 415 and answer.json()["error"]["zh"]
    figures = client.get("/metrics").text
    assert 'convscope_requests_total{method="POST",route="/predict",status="200"} 2.0' in figures
    assert 'convscope_requests_total{method="POST",route="/predict",status="415"} 2.0' in figures


def test_what_is_brief_to_decode_is_read_from_the_header(images):
    assert is_brief_to_decode(images[0]) and is_brief_to_decode(np.zeros((500, 500, 3), np.uint8))
    blank = png_bytes(np.zeros((4000, 4000), np.uint8))
    assert len(blank) < 16_384 * 2 and not is_brief_to_decode(blank[:16_000])
    for content in (b"", b"\xff\xd8", b"GIF89a", blank, bytes(20_000)):
        assert not is_brief_to_decode(content)


def test_an_answer_is_one_packet(running: Running, digit):
    head = f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(digit)}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", running.port), timeout=20) as client:
        for _ in range(5):
            client.sendall(head + digit)
            answer = client.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n") and answer.endswith(b"}}")


def test_a_network_of_milliseconds_is_computed_by_several_threads(images, monkeypatch):
    """As on a machine of three cores: each request gets its own answer, also one whose images are divided."""
    monkeypatch.setattr("convscope.serving.api.answering.BRIEF_SECONDS", 0.0)
    for module in ("answering", "batching"):
        monkeypatch.setattr(f"convscope.serving.api.{module}.available_cores", lambda: 3)
    answering = GraphAnswering(open_predictor("mnist-relu"))
    answering.warm_up()
    assert answering.parallel == 3 and answering.brief_batch == 0
    hosting = Hosting([Hosted("relu", lambda: answering, lambda: answering, lambda: True)], "relu")
    client, classifier = TestClient(create_api(hosting), base_url=URL), cs.load("mnist-relu")
    expected = [classifier.predict(image, topk=1)[0].index for image in images]
    answers = run_in_thread(at_once(client, images))
    assert [answer.json()["predictions"][0]["index"] for answer in answers] == expected
    for _ in range(20):
        results = client.post("/predict", files=[("file", image) for image in images]).json()["results"]
        assert [result["predictions"][0]["index"] for result in results] == expected
    assert answering.computing == 0 and hosting.close()
