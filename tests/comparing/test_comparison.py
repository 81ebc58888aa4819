"""What the figures of the runs say: table, paired differences and verdicts, on figures that are made up by hand."""

from __future__ import annotations

import pytest

import convscope as cs
from convscope.comparing.comparison import DOES_NOT, SHOWS, TOO_FEW, compare, figure_of
from convscope.comparing.page import rows_of
from convscope.comparing.plan import Plan, Variant, expectation

VARIANTS = (Variant("a"), Variant("b"))


def trial(variant: str, seed: int, top1: float, losses: tuple[float, ...] = ()) -> dict:
    history = [{"epoch": i + 1.0, "train/loss": loss} for i, loss in enumerate(losses)]
    figures = {"test/top1": top1, "train/loss": losses[-1] if losses else 0.0}
    return {
        "name": f"{variant}-seed{seed}", "variant": variant, "seed": seed, "figures": figures, "history": history,
        "parameters": 10, "macs": 20, "seconds": 1.0, "folder": "x", "epochs": len(losses),
    }  # fmt: skip


def plan_of(*expected: str, seeds: int = 3, figure: str = "") -> Plan:
    return Plan(
        "p", "digits", VARIANTS, tuple(range(seeds)), figure=figure, expectations=tuple(map(expectation, expected))
    )


def test_differences_are_between_runs_of_the_same_seed():
    trials = [trial("b", 1, 0.9), trial("a", 0, 0.5), trial("a", 1, 0.8), trial("b", 0, 0.6)]  # as processes end
    found = compare(plan_of("b > a", "a > b", seeds=2), trials)
    assert found.figure == "test/top1"
    assert found.rows[1].difference.mean == pytest.approx(0.1)
    assert found.rows[1].difference.deviation == pytest.approx(0.0, abs=1e-12)
    assert [(v.word, v.agree) for v in found.verdicts] == [(SHOWS, 2), (DOES_NOT, 0)]
    head, first, second = rows_of(found)
    assert head[:3] == ("run", "test/top1 %", "n") and first[1] == "65.00 ± 21.21"
    assert second[6] == "+10.00 ± 0.00" and second[8] == "0.500"


def test_one_pair_that_disagrees_or_a_small_mean_is_no_claim():
    trials = [trial("a", s, 0.5) for s in range(3)] + [trial("b", s, value) for s, value in enumerate((0.6, 0.6, 0.49))]
    assert [v.word for v in compare(plan_of("b > a"), trials).verdicts] == [DOES_NOT]
    trials = [trial("a", s, 0.5) for s in range(3)] + [trial("b", s, 0.51) for s in range(3)]
    words = [v.word for v in compare(plan_of("b > a", "b > a by 0.02", "a < b"), trials).verdicts]
    assert words == [SHOWS, DOES_NOT, SHOWS]
    words = [v.word for v in compare(plan_of("b > a", seeds=1), [trials[0], trials[3]]).verdicts]
    assert words == [TOO_FEW]


def test_epochs_to_a_value():
    falling = trial("a", 0, 0.5, (2.0, 1.0, 0.4, 0.3))
    assert figure_of(falling, "epochs to train/loss 1.0") == 2
    assert figure_of(falling, "epochs to train/loss 0.35") == 4
    assert figure_of(falling, "epochs to train/loss 0.1") == 5  # never: one after the last
    with pytest.raises(cs.UsageError, match="the runs have no column train/top1"):
        figure_of(falling, "epochs to train/top1 0.5")
    with pytest.raises(cs.UsageError, match="figure 'speed' is none of test/top1, train/loss"):
        figure_of(falling, "speed")
