"""The learning rate schedules are torch's."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from convscope.training.schedule import SCHEDULES, rate_factor


def torch_rates(make, steps: int) -> list[float]:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def test_cosine_is_torchs():
    theirs = torch_rates(lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 200), 200)
    assert [SCHEDULES["cosine"](i / 200) for i in range(200)] == pytest.approx(theirs, abs=1e-9)


def test_three_steps_are_torchs_at_epochs_30_60_and_80_of_90():
    theirs = torch_rates(lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [300, 600, 800], 0.1), 900)
    assert [SCHEDULES["step3"](i / 900) for i in range(900)] == pytest.approx(theirs)


def test_step_is_torchs():
    theirs = torch_rates(lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [100, 150], 0.1), 200)
    assert [SCHEDULES["step"](i / 200) for i in range(200)] == pytest.approx(theirs)


def test_one_cycle_is_torchs():
    # torch spreads the curve over total_steps - 1 and ends the rise one step early.
    total = 100_000
    theirs = torch_rates(lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 1.0, total_steps=total), total)
    ours = [SCHEDULES["one-cycle"](i / total) for i in range(0, total, 97)]
    assert ours == pytest.approx(theirs[::97], abs=1e-4)


def test_warmup_grows_from_nothing():
    rates = [rate_factor("constant", p, warmup=0.1) for p in (0, 0.05, 0.1, 0.5, 1.0)]
    assert rates == pytest.approx([0, 0.5, 1, 1, 1])
