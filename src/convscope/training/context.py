"""What all parts of one training share."""

from __future__ import annotations

from dataclasses import dataclass

from ..distributed import ALONE, Processes
from ..models import Card
from ..run_folder import RunFolder
from .hardware.runtime import Runtime
from .progress_display import ProgressDisplay
from .recipe.recipe import Recipe
from .time_budget import Clock


@dataclass(frozen=True)
class TrainingContext:
    """The recipe, the hardware settings, the run folder, the clock and the display of one training.

    `own` is the card of a person's own network, None for one of the catalogue. `processes` are those that train
    together.
    """

    recipe: Recipe
    runtime: Runtime
    folder: RunFolder
    clock: Clock
    display: ProgressDisplay
    own: Card | None = None
    processes: Processes = ALONE

    def __post_init__(self) -> None:
        self.clock.on_cpu = self.runtime.device.type == "cpu"

    @property
    def network(self) -> str | Card:
        """The network as `create_model` takes it."""
        return self.own or self.recipe.model
