"""What the runs of a plan say: means, deviations, paired differences, and whether the claim shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import UsageError
from .plan import Expectation, Plan
from .statistics import Spread, interval, sign_flip_p, spread

Trial = dict[str, Any]
# What is compared where the plan does not say: the first that all runs have.
USUAL = ("test/top1", "val/top1", "test/map", "val/map", "train/loss")
EPOCHS_TO = re.compile(r"^epochs to (?P<column>\S+) (?P<value>[\d.]+)$")
SHOWS, DOES_NOT, TOO_FEW = "shows", "does not show here", "too few runs to say"


def is_share(figure: str) -> bool:
    """Tell whether a figure is a share that is written in per cent."""
    return not figure.endswith("loss") and not figure.startswith("epochs")


def decimals_of(figure: str) -> int:
    """Return how many decimals a figure is written with: a share in per cent, a number of epochs or a loss."""
    return 2 if is_share(figure) else 1 if figure.startswith("epochs") else 4


@dataclass(frozen=True)
class Row:
    """One variant: its figure and what it costs; `difference` is the paired one to the first variant."""

    name: str
    figure: Spread
    seconds: Spread
    parameters: int
    macs: int
    difference: Spread | None = None
    interval: tuple[float, float] | None = None
    p: float | None = None


@dataclass(frozen=True)
class Verdict:
    """An expectation, the paired differences (first minus second) and the word for it."""

    expectation: str
    difference: Spread
    agree: int
    word: str


@dataclass(frozen=True)
class Comparison:
    """The rows of all variants, and a verdict per expectation. `higher_is_better` belongs to the figure."""

    figure: str
    rows: tuple[Row, ...]
    verdicts: tuple[Verdict, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self)


def compare(plan: Plan, trials: Sequence[Trial]) -> Comparison:
    """Return what the trials of a plan say; UsageError for a figure that they do not have."""
    figure = plan.figure or _usual(trials)
    by_variant = {v.name: {t["seed"]: t for t in trials if t["variant"] == v.name} for v in plan.variants}
    values = {name: {seed: figure_of(t, figure) for seed, t in some.items()} for name, some in by_variant.items()}
    first = plan.variants[0].name
    rows = []
    for name, some in by_variant.items():
        found = list(some.values())
        differences = paired(values[name], values[first]) if name != first else []
        rows.append(
            Row(
                name,
                spread(list(values[name].values())),
                spread([trial["seconds"] for trial in found]),
                found[0]["parameters"],
                found[0]["macs"],
                spread(differences) if differences else None,
                interval(differences) if differences else None,
                sign_flip_p(differences) if len(differences) > 1 else None,
            )
        )
    verdicts = tuple(judge(one, paired(values[one.first], values[one.second])) for one in plan.expectations)
    return Comparison(figure, tuple(rows), verdicts)


def _usual(trials: Sequence[Trial]) -> str:
    for name in USUAL:
        if all(name in trial["figures"] for trial in trials):
            return name
    raise UsageError("these runs have no figure in common: name one with --figure")


def figure_of(trial: Trial, figure: str) -> float:
    """Return a figure of a run; `epochs to COLUMN VALUE` is the first epoch in which a column reaches a value.

    A loss reaches it from above. An epoch that never came counts as one after the last.
    """
    if match := EPOCHS_TO.match(figure):
        column, value = match["column"], float(match["value"])
        falls = column.endswith("loss")
        rows = [row for row in trial["history"] if column in row]
        if not rows:
            raise UsageError(f"figure '{figure}': the runs have no column {column}")
        reached = [row["epoch"] for row in rows if (row[column] <= value if falls else row[column] >= value)]
        return float(min(reached, default=rows[-1]["epoch"] + 1))
    if trial["figures"].get(figure) is None:
        raise UsageError(f"figure '{figure}' is none of {', '.join(sorted(trial['figures']))}")
    return float(trial["figures"][figure])


def paired(values: dict[int, float], others: dict[int, float]) -> list[float]:
    """Return the differences of two variants with the same seed, in the order of the seeds."""
    return [values[seed] - others[seed] for seed in sorted(values.keys() & others.keys())]


def judge(expectation: Expectation, differences: Sequence[float]) -> Verdict:
    """Return the verdict: it shows if every pair of runs has the sign, and their mean the margin.

    That two do equally well shows if every pair of runs lies within the margin.
    """
    found = spread(differences)
    if expectation.sign == "~":
        agree = sum(abs(value) <= expectation.margin for value in differences)
        far_enough = True
    else:
        wanted = 1 if expectation.sign == ">" else -1
        agree = sum(wanted * value > 0 for value in differences)
        far_enough = wanted * found.mean >= expectation.margin
    word = SHOWS if agree == found.n and far_enough else DOES_NOT
    return Verdict(str(expectation), found, agree, word if found.n > 1 else TOO_FEW)
