"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from ..data.augment.mixup_cutmix import Mixed
from ..data.batches import Batches
from ..errors import DivergedError, printable
from ..evaluation.metrics import Evaluation
from ..files import write_atomically
from .checkpoint import Progress, State, has_checkpoint, save_weights
from .class_weights import balanced_figures, is_balanced, weighted_loss
from .time_budget import Clock
from .ema import EVERY, NORM_IMAGES, average_of, renew_norms
from .optimizer import make_optimizer
from .progress_display import ProgressDisplay
from .progressive import progressive_scale, shrink
from .recipe import Recipe
from .runtime import Runtime
from .schedule import rate_factor
from ..snapshots import Snapshots
from .interrupt import StopRequest
from .tensorboard import scalar_writer
from .freeze import Body, frozen_share

# A long epoch is saved on the way as well, so that a crash costs minutes; after short ones not every time, so that
# saving costs little.
SAVE_EVERY_SECONDS = 300.0
SAVE_APART_SECONDS = 2.0


class Trainer:
    """Trains `network` in place by `recipe`; after `fit` the best epoch's weights are in `folder/checkpoints/best`.

    `validate` measures a network on the validation split; None if there is none, and then the last epoch is the best.
    `clock` says how long it has been going on and how long it may. `snapshots` is where epochs are kept, if anywhere.
    `body` is the part that the recipe holds still or slows down, if there is one.
    """

    def __init__(
        self,
        network: nn.Module,
        batches: Batches,
        validate: Callable[[nn.Module], Evaluation] | None,
        recipe: Recipe,
        runtime: Runtime,
        folder: Path,
        identity: str,
        display: ProgressDisplay,
        clock: Clock | None = None,
        snapshots: Snapshots | None = None,
        body: Body | None = None,
    ):
        self.network, self.batches, self.validate = network, batches, validate
        self.recipe, self.runtime, self.folder, self.display = recipe, runtime, folder, display
        self.clock, self.snapshots = clock or Clock(recipe.time_budget), snapshots
        self.loss_of = weighted_loss(network, batches.labels, recipe.class_weights)
        self.body = body
        self.optimizer = make_optimizer(network, recipe, body.parameters if body else ())
        for group in self.optimizer.param_groups:
            group["initial_lr"] = group["lr"]
        self.scaler = runtime.gradient_scaler()
        self.average = average_of(network, recipe.ema_decay)
        # What is measured and kept: the average of the weights if the recipe asks for it.
        self.kept_network: nn.Module = network if self.average is None else self.average.module
        self.forward = runtime.compiled(network) if recipe.compile else network
        self.state = State(network, self.optimizer, self.scaler, self.average, identity)
        self.progress = Progress()
        # Figures of steps that were not looked at yet: asking a GPU for a number makes it wait.
        self.pending: list[tuple[Tensor, int]] = []
        self.look_every = 1 if runtime.device.type == "cpu" else 50
        self.last, self.best = folder / "checkpoints" / "last", folder / "checkpoints" / "best"
        # The best weights since the last save, on their way to the disk.
        self.unsaved_best: dict[str, Tensor] | None = None
        self.saved_at = -math.inf

    def resume(self) -> None:
        """Go on from the last checkpoint, if there is one; from the beginning otherwise."""
        if has_checkpoint(self.last):
            self.progress = self.state.load(self.last)
            self.clock.go_on_from(self.progress.elapsed)

    def fit(self) -> Progress:
        """Train until the epochs, the time or the patience are used up.

        Raises Interrupted after Ctrl-C or SIGTERM, DivergedError when the loss is no longer finite; what was reached
        before is in `checkpoints/last`.
        """
        done = self.progress
        self.write_scalars = (
            scalar_writer(self.folder / "tensorboard", done.epoch + 1) if self.recipe.tensorboard else None
        )
        with StopRequest() as stop, self.display:
            if not done.epoch and not done.step:
                self.keep_snapshot()
            while not self.finished():
                self.train_epoch(stop)
                self.end_epoch()
                if stop.requested is not None:
                    self.save()
                    stop.leave_if_asked(self.how_to_go_on)
        return done

    def finished(self) -> bool:
        """Whether there is nothing left to train."""
        done, patience = self.progress, self.recipe.patience
        if done.epoch == 0 or done.step:  # an epoch that was begun is measured, however short of time it is
            return False
        out_of_patience = patience is not None and done.epoch - done.best_epoch >= patience
        return done.epoch >= self.recipe.total_epochs or self.clock.out_of_time() or out_of_patience

    def train_epoch(self, stop: StopRequest) -> None:
        """One pass over the training images, or what is left of it."""
        done = self.progress
        self.network.train()
        if self.body is not None:
            self.body.freeze(frozen_share(self.recipe, done.epoch))
        started = begun = time.perf_counter()
        for images, labels in self.batches.epoch(done.epoch, start=done.step):
            share = self.share()
            self.set_rate(share)
            self.pending.append((self.step(self.sized(images, share), labels), len(images)))
            done.step += 1
            if self.average is not None and (done.epoch * len(self.batches) + done.step) % EVERY == 0:
                self.average.update_parameters(self.network)
            if len(self.pending) >= self.look_every:
                self.look()
            done.seconds += time.perf_counter() - started
            asked = stop.requested is not None
            if asked or time.perf_counter() - max(self.saved_at, begun) > SAVE_EVERY_SECONDS:
                self.save()
            if asked:
                stop.leave_if_asked(self.how_to_go_on)
            if self.clock.out_of_time():
                break
            started = time.perf_counter()
        self.look()

    def step(self, images: Tensor, labels: Tensor | Mixed) -> Tensor:
        """One step of the optimizer. Gives the batch's mean loss before it and the number of right answers."""
        with self.runtime.autocast():
            outputs = tree_map(Tensor.float, self.forward(self.runtime.lay_out(images)))
            loss = self.loss(outputs, labels)
        # Networks with auxiliary heads give their logits first.
        logits = outputs if isinstance(outputs, Tensor) else outputs[0]
        self.optimizer.zero_grad()
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        first = labels.first if isinstance(labels, Mixed) else labels
        return torch.stack([loss.detach(), (logits.detach().argmax(1) == first).sum()])

    def loss(self, outputs: Tensor, labels: Tensor | Mixed) -> Tensor:
        """The mean loss of a batch; of a mixed one, that of both its labels by their shares."""
        smoothing = self.recipe.label_smoothing
        if isinstance(labels, Tensor):
            return self.loss_of(outputs, labels, label_smoothing=smoothing)
        first = self.loss_of(outputs, labels.first, label_smoothing=smoothing)
        second = self.loss_of(outputs, labels.second, label_smoothing=smoothing)
        return labels.share * first + (1 - labels.share) * second

    def look(self) -> None:
        """Fetch the figures of the steps since the last look, and stop if the loss is no longer finite."""
        done = self.progress
        for figures, count in self.pending:
            loss, correct = figures.tolist()
            if not math.isfinite(loss):
                raise self.diverged(loss)
            done.loss_sum += loss * count
            done.correct += int(correct)
            done.seen += count
        done.images += sum(count for _, count in self.pending)
        self.pending.clear()
        self.display.step(done, len(self.batches), self.clock.elapsed())

    def end_epoch(self) -> None:
        """Measure, write down, keep the weights if they are the best so far, and save."""
        done = self.progress
        row: dict[str, float] = {
            "epoch": done.epoch + 1,
            "train/loss": done.loss_sum / done.seen,
            "train/top1": done.correct / done.seen,
        }
        if self.average is not None:
            if not self.average.n_averaged:  # so few steps that none was a round one
                self.average.update_parameters(self.network)
            if not frozen_share(self.recipe, done.epoch):
                with self.runtime.autocast():
                    renew_norms(self.average.module, self.runtime.lay_out(self.batches.sample(NORM_IMAGES)[0]))
        if self.validate is not None:
            with self.clock.measuring("validate"):
                evaluation = self.validate(self.kept_network)
            figures = evaluation.figures()
            row |= {"val/loss": figures["loss"], "val/top1": figures["top1"]}
            if is_balanced(self.recipe):
                row |= {f"val/balanced_{name}": value for name, value in balanced_figures(evaluation).items()}
            if not math.isfinite(figures["loss"]):
                raise self.diverged(figures["loss"])
        row |= {
            "lr": self.optimizer.param_groups[-1]["lr"],
            "seconds": done.seconds,
            "images_per_second": done.images / done.seconds,
        }
        done.history.append(row)
        done.epoch, done.step = done.epoch + 1, 0
        done.loss_sum, done.correct, done.seen = 0.0, 0, 0
        self.keep_snapshot()
        if self.is_best(row):
            done.best_epoch = done.epoch
            self.unsaved_best = {name: t.detach().clone() for name, t in self.kept_network.state_dict().items()}
        if self.finished() or time.perf_counter() - self.saved_at > SAVE_APART_SECONDS:
            self.save()
        self.display.epoch(row)
        if self.write_scalars is not None:
            self.write_scalars(row)

    def keep_snapshot(self) -> None:
        """Keep what the network is after this epoch, to be looked at."""
        if self.snapshots is not None:
            self.snapshots.keep(self.progress.epoch, self.kept_network, self.clock.elapsed())

    def is_best(self, row: dict[str, float]) -> bool:
        """Whether this epoch is at least as good as every earlier one: of equals, the later has trained longer."""
        if self.validate is None:
            return True
        monitor = self.recipe.monitor
        sign = -1 if monitor == "val/loss" else 1
        # Where every class is to count alike in training, so it does here.
        value = sign * row.get(monitor.replace("/", "/balanced_"), row[monitor])
        if self.progress.best is not None and value < self.progress.best:
            return False
        self.progress.best = value
        return True

    def share(self) -> float:
        """How much of the training is done, by epochs or by time, whichever is further: 0 to 1."""
        done = self.progress
        epochs = done.epoch + done.step / len(self.batches)
        return max(epochs / self.recipe.total_epochs, self.clock.share())

    def set_rate(self, share: float) -> None:
        """The learning rates of the next step, which begins at this share of the training."""
        recipe = self.recipe
        factor = rate_factor(recipe.schedule, share, recipe.warmup_epochs / recipe.total_epochs)
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor

    def sized(self, images: Tensor, share: float) -> Tensor:
        """A batch at the size that belongs to this share of the training."""
        if not self.recipe.progressive:
            return images
        return shrink(images, progressive_scale(share))

    def save(self) -> None:
        """Replace the best checkpoint if there is a better one, then the last, unless a weight is no longer finite."""
        self.look()
        with self.clock.measuring("save"):
            if not all(bool(p.isfinite().all()) for p in self.network.parameters()):
                raise self.diverged(math.nan)
            self.progress.elapsed = self.clock.elapsed()
            if self.unsaved_best is not None:
                save_weights(self.best, self.unsaved_best, self.progress)
                self.unsaved_best = None
            self.state.save(self.last, self.progress)
            if self.progress.history:
                write_atomically(self.folder / "metrics.csv", metrics_table(self.progress.history))
        self.saved_at = time.perf_counter()

    def diverged(self, value: float) -> DivergedError:
        """What to tell when the loss is NaN or infinite."""
        done = self.progress
        kept = (
            f"the last finite state is in {printable(self.last)}"
            if has_checkpoint(self.last)
            else "nothing was saved yet"
        )
        return DivergedError(
            f"the loss became {value} in epoch {done.epoch + 1}, step {done.step}: {kept}; "
            f"try a lower rate, such as --lr {self.recipe.lr / 10:g}, or --precision float32"
        )

    @property
    def how_to_go_on(self) -> str:
        """What to tell after a stop that was asked for."""
        done = self.progress
        where = f"epoch {done.epoch + 1}, step {done.step}" if done.step else f"{done.epoch} epochs"
        return f"stopped and saved after {where}; go on with: convscope train --resume {printable(self.folder)}"


def metrics_table(history: list[dict[str, float]]) -> str:
    """CSV text, a row an epoch."""
    columns = list(history[0])
    lines = [",".join(columns), *(",".join(f"{row[column]:.8g}" for column in columns) for row in history)]
    return "\n".join(lines) + "\n"
