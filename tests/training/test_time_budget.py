"""The clock: what time is spent on, how much is left, and a budget that holds for the whole command."""

from __future__ import annotations

import time

import pytest

import convscope as cs
from convscope.training.time_budget import Clock


def test_without_a_budget_time_never_runs_out():
    clock = Clock(started=time.perf_counter() - 1e6)
    assert clock.share() == 0 and not clock.out_of_time() and clock.elapsed() >= 1e6
    assert clock.timings["imports"] >= 1e6


def test_the_reserve_is_kept_for_the_end():
    clock = Clock(budget=100, started=time.perf_counter() - 60)
    assert clock.share() == pytest.approx(0.6, abs=0.01)
    clock.reserve = 20
    assert clock.share() == pytest.approx(0.75, abs=0.01) and not clock.out_of_time()
    clock.reserve = 50
    assert clock.out_of_time()
    clock.reserve = 1000  # more than there is: a moment of training all the same
    assert Clock(budget=100).share() < 0.01


def test_earlier_sessions_count():
    clock = Clock(budget=10)
    clock.add_earlier(9)
    assert clock.share() == pytest.approx(0.9, abs=0.05)


def test_time_is_counted_under_its_name_even_if_something_fails():
    clock = Clock()
    for _ in range(2):
        with pytest.raises(ValueError), clock.measuring("x"):
            time.sleep(0.02)
            raise ValueError
    assert 0.04 <= clock.timings["x"] < 5


def test_a_run_says_where_its_time_went_and_ends_in_time(tmp_path):
    cs.load_data("digits")  # what it imports is not to be waited for
    started = time.perf_counter()
    run = cs.train("digits", "mnist_fast", time_budget=8, started=started, output=tmp_path, show=False)
    took = time.perf_counter() - started
    timings = run.metrics["timings"]
    assert set(timings) == {"imports", "data", "setup", "train", "validate", "save", "finish"}
    assert sum(timings.values()) == pytest.approx(run.metrics["seconds"], rel=0.4)  # or another process had the core
    assert timings["train"] == run.metrics["train_seconds"]
    assert run.metrics["epochs"] > 1 and 4 < took < 60  # a busy machine may be late
