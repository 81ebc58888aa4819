"""Time: what it went into, how much is left, and a budget that holds for the whole command."""

from __future__ import annotations

import time

import pytest
import torch
from torch import nn

import convscope as cs
from convscope.training.time_budget import Clock
from convscope.training.ema import EVERY, average_of, renew_norms


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
    clock.go_on_from(9)
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
    assert sum(timings.values()) == pytest.approx(run.metrics["seconds"], rel=0.2)
    assert timings["train"] == run.metrics["train_seconds"]
    assert run.metrics["epochs"] > 1 and 4 < took < 30  # a busy machine may be late


@pytest.mark.parametrize("decay", [0.5, 0.99])
def test_the_average_follows_its_formula(decay):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    average = average_of(network, decay)
    expected = network[0].weight.detach().clone()
    for update in range(1, 40):
        with torch.no_grad():
            network[0].weight.add_(torch.randn(2, 3))
            network[1].running_mean.add_(1)
        average.update_parameters(network)
        if update == 1:
            expected = network[0].weight.detach().clone()  # nothing of the random first weights
        else:
            count = update - 1
            kept = min(decay**EVERY, (1 + count) / (10 + count))
            expected = kept * expected + (1 - kept) * network[0].weight.detach()
    torch.testing.assert_close(average.module[0].weight, expected)
    assert torch.equal(average.module[1].running_mean, network[1].running_mean)
    assert average_of(network, 0.0) is None


def test_norms_are_measured_on_the_images_as_they_are():
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3)).eval()
    network[1].running_mean.fill_(9)
    images = torch.randn(512, 1, 8, 8, generator=torch.Generator().manual_seed(0)) + 2
    renew_norms(network, images)
    maps = network[0](images).transpose(0, 1).flatten(1)
    torch.testing.assert_close(network[1].running_mean, maps.mean(1), rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(network[1].running_var, maps.var(1), rtol=2e-2, atol=1e-4)
    assert not network.training and network[1].momentum == 0.1
