"""What a training says at its beginning, and about a time budget that was used up at its end."""

from __future__ import annotations

from ..data.augment import mirrors
from ..data.default_augment import augmentation_for
from ..errors import printable
from ..messages.translate import phrase, translated
from .checkpoint import Progress
from .context import TrainingContext
from .loop.monitor import ERROR, GAIN, GAIN_ERROR
from .prepare.own_model import own_notes
from .prepare.prepare_data import PreparedData
from .prepare.random_crop import describe_crop
from .transfer.linear_probe import LinearProbe


def show_beginning(context: TrainingContext, prepared: PreparedData, note: str) -> None:
    """Show what is trained on what, what was found and chosen, and where the results will be."""
    display, data = context.display, prepared.data
    augment = augmentation_for(context.recipe.augment, prepared.data)
    counts = ", ".join(f"{len(part):,} {split}" for split, part in prepared.parts.items())
    template = "{model} on {data}: {result}"
    display.show_line(phrase(template, model=context.recipe.model, data=printable(data.name), result=counts))
    if data.origin is not None:
        classes, splits = translated(data.origin.classes), translated(data.origin.splits or "none")
        display.show_line(phrase("classes: {classes}; splits: {splits}", classes=classes, splits=splits))
        if data.origin.kind:
            mirrored = "mirrored at random" if mirrors(augment) else "not mirrored"
            display.show_line(f"kind: {data.origin.kind}; {mirrored} in training (--augment {augment})")
    crop = describe_crop(context.recipe, prepared.preprocess)
    for line in (*own_notes(context.own, prepared), prepared.preprocess.padding, crop, note):
        if line:
            display.show_line(line)
    display.show_line(f"run folder: {printable(context.folder.path)}")
    clock = context.clock
    if clock.budget is not None and (left := clock.left()) is not None and left < 0:
        needed = f"{clock.budget - left:.0f}"
        display.show_line(
            f"the time budget of {clock.budget:g} s is short: with the evaluation and the report it takes {needed} s"
        )


def show_end(context: TrainingContext, done: Progress, images: int, probe: LinearProbe | None) -> None:
    """Show which weights are kept behind a fitted last layer, and what the time allowed.

    The latter where a time budget ended the training in its first epoch of so many `images`.
    """
    recipe, shown = context.recipe, done.images - (probe.images if probe else 0)
    _show_kept(context, done)
    if recipe.time_budget is None or recipe.freeze or done.epoch >= recipe.total_epochs:
        return
    if not done.epoch:
        what = "the fitted last layer, and no epoch"
    elif done.epoch == 1 and shown < images:
        what = f"{shown / images:.0%} of the first epoch"
    else:
        return
    context.display.show_line(f"the time budget of {recipe.time_budget:g} s allowed {what}")


def _show_kept(context: TrainingContext, done: Progress) -> None:
    """Show which weights are kept, and why, where that is not simply the epoch with the best figure."""
    behind = {row["epoch"]: row for row in done.history if GAIN in row}
    if not behind:
        _show_later(context, done)
        return
    kept = done.best_epoch in behind
    row = behind[done.best_epoch if kept else max(behind)]
    epoch, figure, n = f"{row['epoch']:.0f}", context.recipe.monitor, f"{len(done.fitted):,}"
    gain = f"{row[GAIN]:.3f} ± {row[GAIN_ERROR]:.3f}"  # and its standard error
    if kept:
        context.display.show_line(
            f"kept: epoch {epoch}, whose {figure} is better than that of the fitted last layer by {gain} (n = {n})"
        )
    elif row[GAIN] <= 0:
        context.display.show_line(f"kept: the fitted last layer, since {figure} is no better in the end (n = {n})")
    else:
        context.display.show_line(
            f"kept: the fitted last layer, since {figure} is better by only {gain} in the end (n = {n})"
        )


def _show_later(context: TrainingContext, done: Progress) -> None:
    """Show that a later epoch than the one with the best figure is kept, since it is no worse but by chance."""
    figure = context.recipe.monitor
    found = {row["epoch"]: row[figure] for row in done.history if ERROR in row}
    if done.best is None or done.improved == done.best_epoch or done.best_epoch not in found:
        return
    error = next(row[ERROR] for row in done.history if row["epoch"] == done.best_epoch)
    context.display.show_line(
        f"kept: epoch {done.best_epoch}, the last whose {figure}, {found[done.best_epoch]:.4f}, is within its standard "
        f"error of {error:.4f} of the best, {done.best:.4f} after epoch {done.improved}"
    )
