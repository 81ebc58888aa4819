"""Batching: what waits goes through the network together, within bounds of number and time, and nothing is mixed up."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading

import httpx
import numpy as np
import pytest

import convscope as cs
from convscope.png import png_bytes

from ..conftest import URL, run_in_thread


@pytest.fixture(scope="module")
def images() -> list[bytes]:
    return [png_bytes(np.asarray(image)) for image in cs.load_data("digits").splits["test"].images[:40]]


async def at_once(client, images: list[bytes], **options) -> list[httpx.Response]:
    transport = httpx.ASGITransport(app=client.app)
    async with httpx.AsyncClient(transport=transport, base_url=URL, timeout=30) as asking:
        return await asyncio.gather(*(asking.post("/predict", content=image, **options) for image in images))


def test_a_crowd_shares_batches_and_each_gets_its_own_answer(make_api, digits_run, images):
    client, answering, hosting = make_api(max_batch=16)
    answering.go.clear()
    release = threading.Timer(0.5, answering.go.set)
    release.start()
    answers = run_in_thread(at_once(client, images))
    assert sum(answering.batches) == 40 and max(answering.batches) == 16 and len(answering.batches) <= 5
    for image, answer in zip(images, answers, strict=True):
        expected = digits_run.classifier.predict(image, topk=1)[0]
        first = answer.json()["predictions"][0]
        assert first["index"] == expected.index and abs(first["probability"] - expected.probability) < 1e-5
    text = hosting.metrics.text().decode()
    assert f'convscope_batch_images_count{{model="digits"}} {len(answering.batches)}.0' in text
    assert 'convscope_batch_images_sum{model="digits"} 40.0' in text


def test_a_full_queue_is_503_and_a_late_answer_504(make_api, images):
    client, answering, _ = make_api(max_batch=1, queue=4, deadline=1.0)
    answering.go.clear()
    answers = run_in_thread(at_once(client, images))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {503, 504} and statuses.count(504) in (4, 5)
    assert all(answer.headers["retry-after"] == "1" for answer in answers if answer.status_code == 503)
    answering.go.set()
    assert client.post("/predict", content=images[0]).status_code == 200
    assert len(answering.batches) == 2  # those whose time was over did not go through the network


def test_a_network_that_fails_is_500_for_its_batch_alone(make_api, images):
    client, answering, _ = make_api()
    right, answering.compute = answering.compute, lambda pixels: 1 / 0
    answer = client.post("/predict", content=images[0])
    assert answer.status_code == 500 and answer.json()["error"]["zh"] and answer.headers["x-request-id"]
    answering.compute = right
    assert client.post("/predict", content=images[0]).status_code == 200


def test_a_reload_drops_nothing_and_answers_with_what_the_request_came_to(make_api, images):
    client, former, hosting = make_api()
    newer = type(former)(former.classifier)
    newer.class_names = [f"new {name}" for name in newer.class_names]
    newer.ranked = lambda output, topk, *further: [{"label": "new", "probability": 1.0, "index": 0}]
    hosted = hosting.by_id["digits"]
    current = [former]
    hosted.find, hosted.load = lambda: current[0], lambda: current.__setitem__(0, newer)
    former.go.clear()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        before = pool.submit(client.post, "/predict", content=images[0])
        assert former.began.wait(10)
        assert client.post("/reload").json() == {"models": {"digits": "reloaded"}}
        former.go.set()
        assert before.result().json()["predictions"][0]["label"] != "new"
    assert client.post("/predict", content=images[0]).json()["predictions"][0]["label"] == "new"
