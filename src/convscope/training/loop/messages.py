"""What a training says when it ends before its time: how to go on after a stop, what to do after a divergence."""

from __future__ import annotations

from ...errors import DivergedError, printable
from ...run_folder import RunFolder
from ..checkpoint import Progress, has_checkpoint
from ..recipe.optimizer_defaults import lower_rate
from ..recipe.recipe import Recipe


def diverged(value: float, done: Progress, folder: RunFolder, recipe: Recipe) -> DivergedError:
    """Return the error for a loss that is NaN or infinite."""
    kept = (
        f"the last finite state is in {printable(folder.last)}"
        if has_checkpoint(folder.last)
        else "nothing was saved yet"
    )
    return DivergedError(
        f"the loss became {value} in epoch {done.epoch + 1}, step {done.step}: {kept}; "
        f"try a lower learning rate, such as --lr {lower_rate(recipe.optimizer, recipe.lr):g}, or --precision float32"
    )


def how_to_go_on(done: Progress, folder: RunFolder) -> str:
    """Return the message after a requested stop."""
    where = f"epoch {done.epoch + 1}, step {done.step}" if done.step else f"{done.epoch} epochs"
    return f"stopped and saved after {where}; go on with: convscope train --resume {printable(folder.path)}"
