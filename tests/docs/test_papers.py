"""docs/papers.yaml has every network, what is compared with exists, and our counts are those that the papers print."""

from __future__ import annotations

import pytest
import yaml
from experiments.papers import line

from convscope.models import CATALOGUE

from .test_coverage import functions
from .walkthrough import ROOT

LINES = yaml.safe_load((ROOT / "docs" / "papers.yaml").read_text(encoding="utf-8"))
QUICK = ("lenet5", "lenet_relu", "mlp", "resnet20", "alexnet_2012", "nin_cifar")


def test_every_network_has_a_line_and_a_test_that_exists():
    assert list(LINES) == list(CATALOGUE)
    known = {path: functions(path) for path in {entry["check"].split("::")[0] for entry in LINES.values()}}
    for name, entry in LINES.items():
        path, test = entry["check"].split("::")
        assert test in known[path], (name, entry["check"])
        card = CATALOGUE[name]
        published = entry["published"]
        assert (published["top1_error"], published["top5_error"]) == (card.top1_error, card.top5_error), name


def test_our_counts_round_to_those_that_the_papers_print():
    printed = {name: entry["published"]["parameters"] for name, entry in LINES.items()}
    for name, text in printed.items():
        if text is None:
            continue
        number, _, unit = text.partition(" ")
        scale = 1e6 if unit == "M" else 1
        digits = len(number.partition(".")[2])
        ours = LINES[name]["ours"]["parameters"] / scale
        # Papers round or cut off, and some count without normalisation: one unit of the last printed digit.
        assert abs(ours - float(number.replace(",", ""))) <= 1.0 * 10**-digits if scale > 1 else ours == 60_000, name
    assert sum(text is not None for text in printed.values()) >= 25


@pytest.mark.parametrize(
    "name", [*QUICK, *(pytest.param(n, marks=pytest.mark.slow) for n in CATALOGUE if n not in QUICK)]
)
def test_a_line_is_what_the_code_gives(name):
    assert LINES[name] == line(name)
