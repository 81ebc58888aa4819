"""Let a network learn from the held-out images too, in the last part of its training (`--validation join`).

Of 50 photos per class the 15 % that are held out to choose the epoch are missed more than the time that it takes to
learn from all of them at the end, with a rate that begins lower and falls to 0. What is said about the held-out images
is said of the network before that.
"""

from __future__ import annotations

import shutil
from dataclasses import replace

import torch
from torch import Tensor, nn

from ..data.decoded import Decoded
from ..errors import DivergedError, Interrupted
from ..run_folder import RunFolder
from .checkpoint import read_weights, save_weights
from .context import TrainingContext
from .loop.messages import how_to_go_on
from .loop.trainer import Trainer
from .prepare.prepare_data import PreparedData
from .progress_display import ProgressDisplay
from .recipe.recipe import Recipe
from .set_up import make_batches
from .time_budget import Clock
from .transfer.freeze import Body, frozen_share

# Share of the training that is spent on all images, and its first rate, relative to that of the whole training.
SHARE, RATE = 0.3, 0.5


def joins_held_out(context: TrainingContext, prepared: PreparedData) -> bool:
    """Return whether the network learns from the held-out images at the end: all of it, not only its last layer."""
    recipe, parts = context.recipe, prepared.parts
    if recipe.validation != "join" or not prepared.lends_held_out or context.processes.count > 1:
        return False
    if recipe.head != "own" or recipe.freeze or recipe.ema_decay:
        return False
    train, val = parts["train"].pixels, parts["val"].pixels
    return isinstance(train, Tensor) and isinstance(val, Tensor) and train.shape[1:] == val.shape[1:]


def join_held_out(
    context: TrainingContext, prepared: PreparedData, network: nn.Module, body: Body | None, epochs: int
) -> None:
    """Train `network`, after so many epochs, on training and validation images; save the weights as the run's `whole`.

    Afterwards it has its own again: the held-out images are evaluated by what has not seen them. Raises Interrupted
    after Ctrl-C or SIGTERM; a resumed run goes on from there.
    """
    folder, parts = RunFolder(context.folder.joining), prepared.parts
    recipe, clock = _of_stage(context.recipe, context.clock, epochs)
    n = f"{len(parts['val']):,}"
    context.display.show_line(f"from here to the end the network learns from the {n} validation images, too")
    torch.manual_seed(recipe.seed)
    display = ProgressDisplay(context.display.stream, recipe)
    stage = replace(context, recipe=recipe, folder=folder, clock=clock, display=display)
    everything = _joined(parts["train"], parts["val"])
    trainer = Trainer(stage, network, make_batches(stage, prepared, everything), body=body, identity=prepared.identity)
    trainer.recipe_is_written = True  # a folder with a recipe would be taken for a run
    trainer.resume()
    try:
        if not trainer.is_finished():
            trainer.fit()
        save_weights(context.folder.whole, network.state_dict(), trainer.progress, context.processes)
    except Interrupted as stop:
        raise Interrupted(how_to_go_on(trainer.progress, context.folder), stop.exit_code) from None
    except DivergedError:
        context.display.show_line("this diverged: the network that has not learned from them is kept")
    read_weights(context.folder.best, network)
    shutil.rmtree(folder.path, ignore_errors=True)


def forget_joined(folder: RunFolder) -> None:
    """Remove what learned from the validation images: it began from weights that go on learning now."""
    for place in (folder.joining, folder.whole):
        shutil.rmtree(place, ignore_errors=True)


def _of_stage(recipe: Recipe, clock: Clock, epochs: int) -> tuple[Recipe, Clock]:
    """Return recipe and clock of this stage, after so many epochs: what is left of the time, or its share of epochs."""
    changes = {"lr": RATE * recipe.lr, "adam_lr": RATE * recipe.adam_lr, "schedule": "linear", "warmup_epochs": 0.0}
    changes |= {"progressive": False, "patience": None, "validation": "none", "tensorboard": False}
    # A body that was frozen to the end stays so.
    changes |= {"freeze_epochs": 1_000_000 if frozen_share(recipe, epochs - 1) == 1 else 0, "unfreeze_epochs": 0}
    if recipe.epochs:
        changes["epochs"] = max(round(recipe.epochs * SHARE / (1 - SHARE)), 1)
    if clock.budget is None:
        return recipe.changed(**changes), Clock()
    left = Clock(max(clock.budget - clock.elapsed(), 0.1))
    left.reserve, left.computed, left.step = clock.reserve, clock.computed, clock.step
    return recipe.changed(**changes, time_budget=left.budget), left


def _joined(first: Decoded, second: Decoded) -> Decoded:
    """Return the images of both, which lie in memory."""
    assert isinstance(first.pixels, Tensor) and isinstance(second.pixels, Tensor)
    pixels, labels = torch.cat([first.pixels, second.pixels]), torch.cat([first.labels, second.labels])
    return Decoded(pixels, labels, first.names + second.names, [], first.digests + second.digests)
