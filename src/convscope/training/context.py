"""What all parts of one training share."""

from __future__ import annotations

from dataclasses import dataclass

from ..run_folder import RunFolder
from .progress_display import ProgressDisplay
from .recipe import Recipe
from .runtime import Runtime
from .time_budget import Clock


@dataclass(frozen=True)
class TrainingContext:
    """The recipe, the hardware settings, the run folder, the clock and the display of one training."""

    recipe: Recipe
    runtime: Runtime
    folder: RunFolder
    clock: Clock
    display: ProgressDisplay
