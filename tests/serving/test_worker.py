"""The queue: bounded, the newest of a page first to be served, and nothing computed for nobody."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
import torch
from torch import nn

from convscope.serving.http.errors import HttpError
from convscope.serving.worker import Worker

from .conftest import run_in_thread


@pytest.fixture
def worker():
    made = Worker("test", max_waiting=2)
    yield made
    assert made.close()


class Gate:
    """A computation that ends when it is let."""

    def __init__(self):
        self.begun, self.open, self.count = threading.Event(), threading.Event(), 0

    def __call__(self):
        self.count += 1
        self.begun.set()
        assert self.open.wait(10)
        return "done"


async def refused(task) -> HttpError:
    with pytest.raises(HttpError) as caught:
        await task
    return caught.value


def test_a_full_queue_says_when_to_come_back(worker):
    async def scene():
        gate = Gate()
        tasks = [asyncio.create_task(worker.run(gate, 10))]
        await asyncio.to_thread(gate.begun.wait, 5)
        tasks += [asyncio.create_task(worker.run(gate, 10)) for _ in range(2)]
        await asyncio.sleep(0.05)
        problem = await refused(worker.run(gate, 10))
        assert problem.status == 503 and problem.headers == {"Retry-After": "1"}
        gate.open.set()
        assert await asyncio.gather(*tasks) == ["done"] * 3

    run_in_thread(scene())


def test_only_the_newest_of_a_page_is_computed(worker):
    async def scene():
        gate = Gate()
        first = asyncio.create_task(worker.run(gate, 10, page="mine"))
        await asyncio.to_thread(gate.begun.wait, 5)
        older = asyncio.create_task(worker.run(lambda: "older", 10, page="mine"))
        other = asyncio.create_task(worker.run(lambda: "other", 10, page="another"))
        await asyncio.sleep(0.05)
        newest = asyncio.create_task(worker.run(lambda: "newest", 10, page="mine"))
        problem = await refused(older)
        assert problem.status == 409 and "superseded" in problem.en
        gate.open.set()
        assert await asyncio.gather(first, other, newest) == ["done", "other", "newest"]

    run_in_thread(scene())


def test_what_takes_too_long_is_given_up_at_the_next_layer(worker):
    layer, computed = nn.Identity(), []

    def endless():
        for _ in range(1000):
            layer(torch.zeros(1))
            computed.append(time.monotonic())
            time.sleep(0.01)

    async def scene():
        problem = await refused(worker.run(endless, 0.2))
        assert problem.status == 504
        assert await worker.run(lambda: "next", 5) == "next"

    run_in_thread(scene())
    assert 5 < len(computed) < 60


def test_what_waits_too_long_is_never_begun(worker):
    async def scene():
        gate, late = Gate(), Gate()
        first = asyncio.create_task(worker.run(gate, 10))
        await asyncio.to_thread(gate.begun.wait, 5)
        assert (await refused(worker.run(late, 0.1))).status == 504
        gate.open.set()
        await first
        assert await worker.run(lambda: late.count, 5) == 0

    run_in_thread(scene())


def test_errors_come_back_and_the_lane_goes_on(worker):
    async def scene():
        with pytest.raises(ZeroDivisionError):
            await worker.run(lambda: 1 / 0, 5)
        assert await worker.run(lambda: 1, 5) == 1

    run_in_thread(scene())


def test_a_closed_lane_leaves_no_hook_behind():
    before = len(torch.nn.modules.module._global_forward_pre_hooks)
    made = Worker("short")
    assert len(torch.nn.modules.module._global_forward_pre_hooks) == before + 1
    assert made.close()
    assert len(torch.nn.modules.module._global_forward_pre_hooks) == before
