"""The training loop: steps, epochs, the best epoch, and checkpoints on the way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from torch import Tensor, nn

from ...data.augment.mixup_cutmix import Mixed
from ...data.batches import Batches
from ...evaluation import Evaluation, MultiLabelEvaluation
from ...run_folder import KEPT
from ...snapshots import SnapshotWriter
from ..checkpoint import Progress, State, has_checkpoint, save_weights
from ..class_weights import image_weights, weighted_loss
from ..context import TrainingContext
from ..schedule import rate_factor
from ..transfer.freeze import Body, frozen_share
from ..transfer.linear_probe import LinearProbe, is_probe
from .averaged_gradients import averaging_gradients
from .early_stopping import is_best, out_of_patience
from .ema import NORM_IMAGES, STEPS_PER_UPDATE, moving_average, renew_norms
from .first_figure import FirstFigure
from .gradients import add_gradients, clear_gradients
from .interrupt import StopRequest, agree
from .messages import diverged, how_to_go_on
from .monitor import figures_of_epoch, figures_of_images
from .optimizer import make_optimizer
from .progressive import progressive_scale, shrink
from .tensorboard import scalar_writer

# A long epoch is saved on the way as well, so that a crash costs minutes; after short ones not every time, so that
# saving costs little.
SAVE_EVERY_SECONDS = 300.0
SAVE_APART_SECONDS = 2.0
Measure = Callable[[nn.Module], Evaluation | MultiLabelEvaluation]
# Reading a figure makes a GPU finish all its work first, so it is done once per so many steps.
GPU_STEPS_PER_READING = 50


class Trainer:
    """Trains `network` in place; after `fit` the checkpoint `best` of the run folder has the best epoch's weights.

    `validate` measures a network on the validation split; without it the last epoch is the best. `test` does on the
    test split, for the record. `body` is the part that the recipe freezes or trains more slowly. `probe` has the
    figures of a last layer that was fitted before, which is kept if no epoch is better. `snapshots` gets the weights
    after every epoch. `identity` is a record of classes and images, which must be that of the checkpoint to go on from.
    """

    def __init__(
        self,
        context: TrainingContext,
        network: nn.Module,
        batches: Batches,
        *,
        validate: Measure | None = None,
        test: Measure | None = None,
        body: Body | None = None,
        probe: LinearProbe | None = None,
        snapshots: SnapshotWriter | None = None,
        identity: str = "",
    ):
        self.context, self.recipe, self.runtime, self.folder = context, context.recipe, context.runtime, context.folder
        self.clock, self.display, self.processes = context.clock, context.display, context.processes
        self.network, self.batches, self.validate, self.test = network, batches, validate, test
        self.accuracy = "top1" if batches.labels.ndim == 1 else "subset_accuracy"
        self.body, self.probe, self.snapshots = body, probe, snapshots
        self.first_figure = FirstFigure(context, validate)
        self.loss_of = weighted_loss(network, batches.labels, self.recipe.class_weights)
        self.image_weights = image_weights(batches.labels, self.recipe.class_weights)
        self.optimizer = make_optimizer(network, self.recipe, body.parameters if body else ())
        for group in self.optimizer.param_groups:
            group["initial_lr"] = group["lr"]
        self.scaler = self.runtime.gradient_scaler()
        self.average = moving_average(network, self.recipe.ema_decay)
        # What is measured and kept: the average of the weights if the recipe asks for it.
        self.kept_network: nn.Module = network if self.average is None else self.average.module
        self.forward = averaging_gradients(context, network, batches, body)
        self.state = State(network, self.optimizer, self.scaler, self.average, identity, self.processes)
        self.progress = Progress()
        # Loss and correct answers of steps, and their number of images, that are not yet read from the device.
        self.unread: list[tuple[Tensor, int]] = []
        # A CUDA graph's gradients are overwritten by its next run; what the parts of a batch add up to must be outside.
        self.keeps_gradients = self.recipe.compile and self.recipe.accumulate > 1
        self.steps_per_reading = 1 if self.runtime.device.type == "cpu" else GPU_STEPS_PER_READING
        # The best weights since the last save.
        self.unsaved_best: dict[str, Tensor] | None = None
        self.saved_at = -math.inf
        # With the precision and layout that were chosen: a resumed run must not choose again.
        self.recipe_is_written = False

    def resume(self) -> None:
        """Go on from the last checkpoint if there is one, else from the beginning."""
        if has_checkpoint(self.folder.last):
            self.progress = done = self.state.load(self.folder.last)
            # The same images are left of the epoch if the batches have another size now.
            done.step = math.ceil(done.seen / self.batches.batch_size)
            self.clock.add_earlier(self.progress.elapsed)

    def fit(self) -> Progress:
        """Train until the epochs, the time or the patience are used up.

        Raises Interrupted after Ctrl-C or SIGTERM, DivergedError when the loss is no longer finite; the state before
        that is in the checkpoint `last`.
        """
        done = self.progress
        writes = self.recipe.tensorboard and self.processes.is_main
        self.write_scalars = scalar_writer(self.folder.tensorboard, done.epoch + 1) if writes else None
        with StopRequest() as stop, self.display, self.processes.failing():
            if not done.epoch and not done.step and not done.history:
                self.write_snapshot()
                if self.probe is not None:
                    self.measure_probe(self.probe)
            while not self.is_finished():
                self.train_epoch(stop)
                self.end_epoch()
                if agree(self.processes, self.clock, stop)[0]:
                    self.save()
                    stop.raise_if_requested(how_to_go_on(done, self.folder), self.processes)
        return done

    def is_finished(self) -> bool:
        """Return whether there is nothing left to train."""
        done = self.progress
        if not done.history or done.step:  # an epoch that was begun is finished, however short of time it is
            return False
        fitted = self.recipe.freeze and is_probe(done.history[0])  # the last layer is at its optimum
        if fitted or done.epoch >= self.recipe.total_epochs or out_of_patience(done, self.recipe.patience):
            return True
        return bool(self.processes.from_main_number(self.clock.out_of_time()))

    def train_epoch(self, stop: StopRequest) -> None:
        """Train one pass over the training images, or what is left of it."""
        done = self.progress
        self.network.train()
        if self.body is not None:
            self.body.freeze(frozen_share(self.recipe, done.epoch))
        started = begun = time.perf_counter()
        for images, labels in self.batches.epoch(done.epoch, start=done.step):
            share = self.share()
            self.set_rate(share)
            if self.recipe.progressive:
                images = shrink(images, progressive_scale(share))
            with self.clock.computing(step=True):
                self.unread.append((self.step(images, labels), len(images)))
            done.step += 1
            if self.average is not None and (done.epoch * len(self.batches) + done.step) % STEPS_PER_UPDATE == 0:
                self.average.update_parameters(self.network)
            if len(self.unread) >= self.steps_per_reading:
                self.read_figures()
            done.seconds += time.perf_counter() - started
            self.first_figure.show_if_due(self.network, done, len(self.batches))
            is_long_ago = time.perf_counter() - max(self.saved_at, begun) > SAVE_EVERY_SECONDS
            stopping, is_due, out_of_time = agree(self.processes, self.clock, stop, is_long_ago)
            if stopping or is_due:
                self.save()
            if stopping:
                stop.raise_if_requested(how_to_go_on(done, self.folder), self.processes)
            if out_of_time:
                break
            started = time.perf_counter()
        self.read_figures()

    def step(self, images: Tensor, labels: Tensor | Mixed) -> Tensor:
        """Take one step of the optimizer; return the batch's mean loss before it and the number of correct answers."""
        clear_gradients(self.optimizer, keep=self.keeps_gradients)
        figures = add_gradients(
            self.context, self.forward, self.loss_of, self.scaler, (images, labels),
            of_step=self.batches.images_of_step(self.progress.step), weights=self.image_weights,
        )  # fmt: skip
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return figures

    def share(self) -> float:
        """Return the share of the training that is done, 0 to 1: of the epochs or of the time, whichever is larger."""
        epochs = self.progress.epoch + self.progress.step / len(self.batches)
        return max(epochs / self.recipe.total_epochs, self.processes.from_main_number(self.clock.share()))

    def set_rate(self, share: float) -> None:
        """Set the learning rates of the step at this share of the training."""
        factor = rate_factor(self.recipe.schedule, share, self.recipe.warmup_epochs / self.recipe.total_epochs)
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor

    def read_figures(self) -> None:
        """Read the figures of the steps since the last reading; DivergedError if a loss is not finite."""
        if not self.unread:
            return
        done, sums = self.progress, [0.0, 0.0, 0.0]
        for figures, count in self.unread:
            loss, correct = figures.tolist()
            sums = [sums[0] + loss * count, sums[1] + correct, sums[2] + count]
        self.unread.clear()
        loss_sum, correct, seen = self.processes.summed(sums)
        if not math.isfinite(loss_sum):
            raise diverged(loss_sum, done, self.folder, self.recipe)
        done.loss_sum += loss_sum
        done.correct += int(correct)
        done.seen += int(seen)
        done.images += int(seen)
        self.display.show_step(done, len(self.batches), self.clock.elapsed())

    def measure_probe(self, probe: LinearProbe) -> None:
        """Measure the network with its fitted last layer, as epoch 0, and save it."""
        done = self.progress
        done.seconds, done.images = probe.seconds, probe.images
        row = {"epoch": 0.0, "train/loss": probe.loss, f"train/{self.accuracy}": probe.correct}
        row |= {**self.figures_of_splits(probe.validation), "seconds": done.seconds}
        row["images_per_second"] = done.images / done.seconds
        done.fitted = figures_of_images(probe.validation, self.recipe) if probe.validation else []
        self.keep_if_best(row)
        self.save()
        self.display.show_epoch(row)

    def keep_if_best(self, row: dict[str, float]) -> None:
        """Add a row to the history, which says whether the weights are the best so far, and keep them if they are."""
        done, share = self.progress, 1.0 if self.recipe.patience else self.share()
        if kept := self.recipe.validation == "none" or is_best(done, row, self.recipe.monitor, share):
            done.best_epoch = done.epoch
            self.unsaved_best = {name: t.detach().clone() for name, t in self.kept_network.state_dict().items()}
        done.history.append({**row, KEPT: float(kept)})

    def end_epoch(self) -> None:
        """Measure the network, keep its weights if they are the best so far, and save."""
        done, row = self.progress, self.measure_epoch()
        done.epoch, done.step = done.epoch + 1, 0
        done.loss_sum, done.correct, done.seen = 0.0, 0, 0
        self.write_snapshot()
        self.keep_if_best(row)
        since = self.processes.from_main_number(time.perf_counter() - self.saved_at)
        if self.is_finished() or since > SAVE_APART_SECONDS:
            self.save()
        self.display.show_epoch(row)
        if self.write_scalars is not None:
            self.write_scalars(row)

    def measure_epoch(self) -> dict[str, float]:
        """Return the epoch's row of metrics.csv; DivergedError if the validation loss is not finite."""
        done = self.progress
        row: dict[str, float] = {
            "epoch": done.epoch + 1,
            "train/loss": done.loss_sum / done.seen,
            f"train/{self.accuracy}": done.correct / done.seen,
        }
        self.update_average()
        return row | {
            **self.figures_of_splits(),
            "lr": self.optimizer.param_groups[-1]["lr"],
            "seconds": done.seconds,
            "images_per_second": done.images / done.seconds,
        }

    def figures_of_splits(self, known: Evaluation | MultiLabelEvaluation | None = None) -> dict[str, float]:
        """Return the splits' figures, of validation those `known` already; DivergedError if a loss is not finite."""
        row: dict[str, float] = {}
        for split, measure in (("val", self.validate), ("test", self.test)):
            if measure is not None:
                with self.clock.measuring("validate"):
                    evaluation = known if known and split == "val" else measure(self.kept_network)
                if not math.isfinite(evaluation.loss):
                    raise diverged(evaluation.loss, self.progress, self.folder, self.recipe)
                row |= figures_of_epoch(evaluation, self.recipe, split, self.progress.fitted)
        return row

    def update_average(self) -> None:
        """Make the weights that are measured ready for it: the average, if there is one; the same in all processes."""
        if self.average is not None:
            if not self.average.n_averaged:  # there were fewer steps than one update needs
                self.average.update_parameters(self.network)
            kept = self.body is not None and self.body.keep_statistics
            if not kept and not frozen_share(self.recipe, self.progress.epoch):
                with self.runtime.autocast():
                    renew_norms(self.average.module, self.runtime.lay_out(self.batches.sample(NORM_IMAGES)[0]))
        self.processes.copy_from_main(self.kept_network)

    def write_snapshot(self) -> None:
        """Write the weights after this epoch, to be looked at."""
        if self.snapshots is not None and self.processes.is_main:
            self.snapshots.write(self.progress.epoch, self.kept_network, self.clock.elapsed())

    def save(self) -> None:
        """Replace the checkpoint `best` if there are better weights, then `last`; DivergedError if one is infinite."""
        self.read_figures()
        with self.clock.measuring("save"):
            if not all(bool(p.isfinite().all()) for p in self.network.parameters()):
                raise diverged(math.nan, self.progress, self.folder, self.recipe)
            self.progress.elapsed = self.clock.elapsed()
            if self.processes.is_main and not self.recipe_is_written:
                self.folder.write_recipe(self.recipe.to_yaml())  # not before: options that make it fail must not stay
                self.recipe_is_written = True
            if self.unsaved_best is not None:
                save_weights(self.folder.best, self.unsaved_best, self.progress, self.processes)
                self.unsaved_best = None
            self.state.save(self.folder.last, self.progress)
            if self.progress.history and self.processes.is_main:
                self.folder.write_metrics(self.progress.history)
        self.saved_at = time.perf_counter()
