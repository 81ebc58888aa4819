"""The service under long, partly hostile load: right answers to the end, and no memory that grows.

Ten seconds in the usual tests, which have twelve minutes for everything; an hour, and thousands of requests of pages,
in `make test-slow`.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from .conftest import Running
from .soak import MB, api_asks, for_requests, for_seconds, hostile_asks, page_asks, soak

MOST_GROWTH = 20 * MB


@pytest.fixture
def api(tmp_path) -> Iterator[Running]:
    running = Running(tmp_path, "mnist-relu", "--api", "--port", "0")
    yield running
    running.stop()


def check_api(running: Running, digit: bytes, seconds: float) -> None:
    asks, hostile = api_asks(digit, "7"), hostile_asks(running.port, digit)
    soak(running, asks, hostile, for_seconds(min(seconds / 4, 30)))  # warms up
    found = soak(running, asks, hostile, for_seconds(seconds))
    print(found)
    assert not found.wrong, found.wrong[:5]
    assert found.statuses[200] > 20 * seconds and sum(found.statuses.values()) > 1.1 * found.statuses[200]
    assert found.growth < MOST_GROWTH, str(found)
    assert httpx.get(f"{running.url}/health").json() == {"status": "ok"}
    errors = running.errors()
    assert "unexpected" not in errors and "Traceback" not in errors, errors[:2000]


def check_page(digits_run, tmp_path, digit: bytes, requests: int) -> None:
    running = Running(tmp_path, str(digits_run.folder), "--port", "0")
    try:
        soak(running, page_asks(digit), [], for_requests(250))  # more pictures than sessions are kept
        found = soak(running, page_asks(digit), [], for_requests(requests))
        print(found)
        assert not found.wrong, found.wrong[:5]
        assert found.growth < MOST_GROWTH and found.memory[-1] - found.memory[0] < MOST_GROWTH, str(found)
    finally:
        running.stop()


def test_ten_seconds_a_fifth_of_them_hostile(api, digit):
    check_api(api, digit, 8)


@pytest.mark.slow
@pytest.mark.timeout(4000)
def test_an_hour_a_fifth_of_it_hostile(api, digit):
    check_api(api, digit, 3600)


@pytest.mark.slow
def test_what_a_page_asks_takes_no_more_memory_in_the_end(digits_run, tmp_path, digit):
    check_page(digits_run, tmp_path, digit, 250)


@pytest.mark.slow
def test_five_thousand_questions_of_pages_take_no_more_memory_in_the_end(digits_run, tmp_path, digit):
    check_page(digits_run, tmp_path, digit, 5000)
