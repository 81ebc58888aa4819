"""Which epoch is kept, and when a training stops."""

from __future__ import annotations

import pytest
import torch

from convscope.evaluation import Evaluation
from convscope.training.checkpoint import Progress
from convscope.training.class_weights import balanced_figures
from convscope.training.loop.early_stopping import is_best, out_of_patience
from convscope.training.loop.monitor import figures_of_epoch, figures_of_images
from convscope.training.recipe.recipe import Recipe


def kept_after(rows: list[dict[str, float]], monitor: str = "val/loss", epochs: int = 1) -> list[int]:
    """Return the epoch that is kept after each of the rows."""
    done, kept = Progress(), []
    for row in rows:
        done.epoch = int(row["epoch"])
        if kept_now := is_best(done, row, monitor, done.epoch / epochs):
            done.best_epoch = done.epoch
        done.history.append({**row, "kept": float(kept_now)})
        kept.append(done.best_epoch)
    return kept


def test_an_epoch_behind_a_fitted_layer_has_to_be_better_by_more_than_a_standard_error_late_in_the_training():
    rows = [
        {"epoch": 0, "val/loss": 0.5},
        {"epoch": 1, "val/loss": 0.3, "val/gain": 0.2, "val/gain_error": 0.02},  # at a high rate
        {"epoch": 4, "val/loss": 0.45, "val/gain": 0.05, "val/gain_error": 0.06},  # may be chance
        {"epoch": 5, "val/loss": 0.4, "val/gain": 0.1, "val/gain_error": 0.06},
        {"epoch": 6, "val/loss": 0.45, "val/gain": 0.05, "val/gain_error": 0.02},  # worse than what is kept
    ]
    assert kept_after(rows, epochs=6) == [0, 0, 0, 5, 5]


def test_without_a_fitted_layer_the_later_of_equal_epochs_is_kept():
    rows = [{"epoch": epoch, "val/top1": top1} for epoch, top1 in enumerate([0.5, 0.7, 0.6, 0.7], 1)]
    assert kept_after(rows, "val/top1") == [1, 2, 2, 4]


def test_of_epochs_within_the_standard_error_of_the_best_the_last_is_kept():
    figures = [(0.5, 0.1), (0.8, 0.05), (0.76, 0.05), (0.7, 0.06), (0.79, 0.05), (0.81, 0.05), (0.77, 0.05)]
    rows = [{"epoch": n, "val/top1": top1, "val/standard_error": e} for n, (top1, e) in enumerate(figures, 1)]
    assert kept_after(rows, "val/top1") == [1, 2, 3, 3, 5, 6, 7]


@pytest.mark.parametrize(("changes", "has_error"), [
    ({"monitor": "val/top1", "schedule": "linear"}, True), ({"monitor": "val/top1", "schedule": "constant"}, False),
    ({"monitor": "val/loss", "schedule": "linear"}, False),
])  # fmt: skip
def test_the_standard_error_is_that_of_a_share_of_the_images(changes, has_error):
    labels = torch.tensor([0, 1] * 50)
    logits = torch.nn.functional.one_hot(torch.where(torch.arange(100) < 80, labels, 1 - labels), 2).double()
    row = figures_of_epoch(Evaluation(["a", "b"], [""] * 100, labels, logits, 0.5), Recipe(**changes))
    assert row["val/top1"] == pytest.approx(0.8)
    assert row.get("val/standard_error") == (pytest.approx((0.8 * 0.2 / 99) ** 0.5) if has_error else None)


def test_patience_counts_from_the_last_improvement_even_if_it_is_not_kept():
    done = Progress(epoch=3, improved=2, best_epoch=0)
    assert not out_of_patience(done, 2) and out_of_patience(done, 1)


@pytest.mark.parametrize("changes", [{}, {"monitor": "val/top1"}, {"class_weights": "balanced"}])
def test_the_gain_is_the_difference_of_the_figures(changes):
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(3, (60,), generator=generator).clamp_max(torch.randint(3, (60,), generator=generator))
    recipe, found = Recipe(**changes), []
    for _ in range(2):
        logits = torch.randn(60, 3, generator=generator)
        loss = float(torch.nn.functional.cross_entropy(logits, labels))
        found.append(Evaluation(["a", "b", "c"], [""] * 60, labels, logits, loss))
    row = figures_of_epoch(found[1], recipe, fitted=figures_of_images(found[0], recipe))
    figure, sign = ("top1", 1) if "monitor" in changes else ("loss", -1)
    both = [balanced_figures(e) if "class_weights" in changes else e.figures() for e in found]
    assert row["val/gain"] == pytest.approx(sign * (both[1][figure] - both[0][figure]), rel=1e-5)
    assert 0 < row["val/gain_error"] < 0.5
