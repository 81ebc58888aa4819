"""The validation figures by which the best epoch can be chosen (`--monitor`)."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ...choices import MULTI_LABEL_MONITORS
from ...errors import UsageError, printable
from ...evaluation import Evaluation, MultiLabelEvaluation
from ...suggest import did_you_mean
from ..class_weights import balanced_figures, balanced_weights, is_balanced
from ..recipe.recipe import Recipe

ONE_CLASS_MONITORS = ("val/loss", "val/top1", "val/top5", "val/balanced_top1", "val/macro_f1")
PER_CLASS = ("recall", "precision", "f1")
# By how much the monitored figure is better than with the last layer that was fitted first, and the standard error.
GAIN, GAIN_ERROR = "val/gain", "val/gain_error"
# Standard error of the share of right answers, where the last of equal epochs has learned most: its rate falls to 0.
ERROR, FALLING = "val/standard_error", ("linear", "cosine", "one-cycle")


def check_monitor(monitor: str, class_names: Sequence[str], multi_label: bool) -> None:
    """Raise UsageError if data of these classes have no such figure."""
    figure, colon, label = monitor.removeprefix("val/").partition(":")
    if colon and figure in PER_CLASS and monitor.startswith("val/"):
        if label not in class_names:
            hint = did_you_mean(label, class_names, "see labels.txt or `convscope check`", most=1)
            raise UsageError(f"monitor {printable(monitor)}: there is no class '{printable(label)}': {hint}")
        return
    usable = ("val/loss", *MULTI_LABEL_MONITORS) if multi_label else ONE_CLASS_MONITORS
    if monitor not in usable:
        kind = "several labels" if multi_label else "one class"
        raise UsageError(
            f"monitor {printable(monitor)}: these data have {kind} per image: choose "
            f"{', '.join(usable)} or val/recall:CLASS, val/precision:CLASS, val/f1:CLASS"
        )


def monitored_figure(monitor: str, evaluation: Evaluation | MultiLabelEvaluation) -> float:
    """Return the value of a figure that `check_monitor` has passed, larger is better except for the loss."""
    name = monitor.removeprefix("val/")
    figure, colon, label = name.partition(":")
    if colon:
        # A class without validation images has no figure; the same one in every epoch decides nothing.
        return next(row[figure] or 0.0 for row in evaluation.per_class() if row["label"] == label)
    if isinstance(evaluation, Evaluation) and name == "balanced_top1":
        return balanced_figures(evaluation)["top1"]
    if isinstance(evaluation, Evaluation) and name == "macro_f1":
        present = [row["f1"] for row in evaluation.per_class() if row["support"]]
        return sum(present) / len(present)
    return evaluation.figures()[name]


def figures_of_images(evaluation: Evaluation | MultiLabelEvaluation, recipe: Recipe) -> list[float]:
    """Return the monitored figure of each image, larger is better, whose mean is the figure; none if it has no such."""
    if recipe.monitor == "val/loss":
        figures = -evaluation.losses.double()
    elif recipe.monitor == "val/top1" and isinstance(evaluation, Evaluation):
        figures = (evaluation.predictions == evaluation.labels).double()
    else:
        return []
    if is_balanced(recipe) and isinstance(evaluation, Evaluation):
        figures = figures * balanced_weights(evaluation.labels)[evaluation.labels]
    found: list[float] = figures.tolist()
    return found


def figures_of_epoch(
    evaluation: Evaluation | MultiLabelEvaluation, recipe: Recipe, split: str = "val", fitted: Sequence[float] = ()
) -> dict[str, float]:
    """Return the figures of a split after an epoch by their column in metrics.csv, the monitored one among them.

    `fitted` are those of the validation images with the last layer that was fitted first, to say what the epoch gains.
    """
    figures = evaluation.figures()
    row = {f"{split}/{name}": figures[name] for name in evaluation.PER_EPOCH}
    if split != "val":
        return row
    if is_balanced(recipe) and isinstance(evaluation, Evaluation):
        row |= {f"val/balanced_{name}": value for name, value in balanced_figures(evaluation).items()}
    if recipe.monitor not in row:
        row[recipe.monitor] = monitored_figure(recipe.monitor, evaluation)
    has_error = recipe.monitor == "val/top1" and recipe.schedule in FALLING
    figures_now = figures_of_images(evaluation, recipe) if has_error or len(fitted) > 1 else []
    if has_error and len(figures_now) > 1:
        row[ERROR] = float(torch.tensor(figures_now).std()) / len(figures_now) ** 0.5
    if figures_now and len(fitted) > 1:
        gains = torch.tensor(figures_now, dtype=torch.float64) - torch.tensor(fitted, dtype=torch.float64)
        row |= {GAIN: float(gains.mean()), GAIN_ERROR: float(gains.std()) / len(gains) ** 0.5}
    return row
