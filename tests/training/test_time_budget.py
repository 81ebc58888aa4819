"""The clock: what time is spent on, how much is left, and a budget that holds for the whole command."""

from __future__ import annotations

import re
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


def test_a_thread_that_waits_for_another_device_is_not_taken_for_a_busy_machine():
    clock = Clock(budget=100)
    clock.computed = (2.0, 0.1)
    assert clock.slowness() == pytest.approx(20)
    clock.on_cpu = False
    assert clock.slowness() == 1


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


def slowed(monkeypatch, factor: float, calm: float = 0.0) -> None:
    """Let the clock show `factor` seconds per second of this process's processor time after `calm` of them.

    As on a machine that became so much slower, whatever else runs on this one.
    """
    begun = time.process_time()

    def clock() -> float:
        now = time.process_time() - begun
        return now + (factor - 1) * max(now - calm, 0.0)

    monkeypatch.setattr(time, "perf_counter", clock)


def busy(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_what_is_left_shrinks_as_the_machine_slows_down(monkeypatch):
    slowed(monkeypatch, 1)
    clock = Clock(budget=1000, started=time.perf_counter() - 100)
    clock.reserve = 50
    with clock.computing():
        busy(0.2)
    before, slowness = clock.left(), clock.slowness()
    assert before is not None and 400 < before < 851 and slowness >= 1
    slowed(monkeypatch, 6)
    with clock.computing(step=True):
        busy(0.2)
    after = clock.left()
    assert clock.slowness() > 1.5 * slowness and after is not None and after < before - 0.5 * 50 * slowness
    assert clock.step > 1 and not clock.out_of_time()
    clock.reserve = (1000 - clock.elapsed() - 0.5 * clock.step) / clock.slowness()  # another step would not fit
    assert clock.out_of_time()


def test_an_alarm_rings_when_its_share_of_the_time_is_over():
    assert Clock().alarm(0.5) is None
    ringing, silent = (Clock(100, time.perf_counter() - used).alarm(0.5) for used in (200, 10))
    assert ringing is not None and ringing() and silent is not None and not silent()


@pytest.mark.slow  # asserts how many seconds it took, which other programs change
@pytest.mark.parametrize(("factor", "calm"), [(6, 0.0), (5, 0.8)])
def test_a_budget_holds_for_the_whole_command_on_a_slow_machine(tmp_path, monkeypatch, factor, calm):
    """Also where it becomes slow while it trains: less of the time is trained, so that the end fits."""
    cs.load_data("digits")  # what it imports is not to be waited for
    slowed(monkeypatch, factor, calm)
    started, budget = time.perf_counter(), 12.0
    run = cs.train("digits", "mnist_fast", time_budget=budget, started=started, output=tmp_path, show=False)
    took = time.perf_counter() - started
    timings = run.metrics["timings"]
    assert set(timings) == {"imports", "data", "setup", "train", "validate", "save", "finish"}
    assert sum(timings.values()) == pytest.approx(run.metrics["seconds"], rel=0.4)  # or another process had the core
    assert timings["train"] == run.metrics["train_seconds"]
    assert run.metrics["epochs"] >= 1 and 0.25 * budget < took < 1.15 * budget


def test_a_training_that_its_time_ends_early_says_how_far_it_came(tmp_path, capsys):
    options = {"time_budget": 0.1, "output": tmp_path, "batch_size": 64}
    cs.train("digits", "mnist_fast", **options)
    said = capsys.readouterr().err
    assert "the time budget of 0.1 s is short: with the evaluation and the report it takes" in said
    assert re.search(r"the time budget of 0.1 s allowed \d+% of the first epoch", said)
