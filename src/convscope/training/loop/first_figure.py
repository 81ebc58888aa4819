"""A first validation figure on the screen while a long first epoch is still going on."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from ...evaluation import Evaluation, MultiLabelEvaluation
from ..checkpoint import Progress
from ..context import TrainingContext

# Seconds after the command's beginning from which on it is shown, and the share of the epoch at which its end is near.
DUE, NEARLY_OVER = 8.0, 0.7


class FirstFigure:
    """Measures the network once in the first epoch, and shows it: it chooses nothing, and is in no table.

    `validate` measures a network on the validation split. The network and its modes stay as they are.
    """

    def __init__(
        self, context: TrainingContext, validate: Callable[[nn.Module], Evaluation | MultiLabelEvaluation] | None
    ):
        self.context, self.validate = context, validate
        self.is_over = validate is None or context.display.stream is None or context.processes.count > 1

    def show_if_due(self, network: nn.Module, done: Progress, steps: int) -> None:
        """Show the figure if it is time for it; `steps` are those of an epoch."""
        share = done.step / steps
        if self.is_over or self.validate is None or self.context.clock.elapsed() < DUE:
            return
        self.is_over = True
        if done.epoch or done.history or share > NEARLY_OVER:
            return
        modes = [(module, module.training) for module in network.modules()]
        with self.context.clock.measuring("validate"):
            evaluation = self.validate(network)
        for module, mode in modes:
            module.training = mode
        self.context.display.show_first(share, evaluation)
