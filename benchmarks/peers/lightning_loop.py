"""Lightning: a LightningModule and its Trainer, with the Trainer's own defaults (progress bar, logger, checkpoints).

    python -m benchmarks.peers.lightning_loop --task mnist-cnn --data DIR [--epochs 1]

Digits: the classifier of its MNIST page for beginners (two hidden layers of 64, dropout 0.1, Adam 0.0002, batches of
64 in the given order, 3 epochs), for 8 x 8 pixels. Only the time from the start to the end of each training epoch
counts: the checkpoint at its end does not.
"""

from __future__ import annotations

import tempfile
from typing import Any

import lightning as L
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader

from benchmarks.peers import common, plain, tasks

OWN_EPOCHS = 3


class Classifier(L.LightningModule):
    """A network, its loss and its optimizer."""

    def __init__(self, network: nn.Module, optimizer: torch.optim.Optimizer):
        super().__init__()
        self.network, self.optimizer = network, optimizer

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """The loss of a batch; what to do with it is the Trainer's."""
        images, labels = batch
        return F.cross_entropy(self.network(images), labels)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The optimizer."""
        return self.optimizer


class Timing(L.Callback):
    """The seconds of training, and a stop when they are used up."""

    def __init__(self, clock: common.Clock):
        self.clock, self.seen = clock, 0

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """An epoch begins."""
        self.seen = 0
        self.clock.start()

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, *_: Any
    ) -> None:
        """Count, and stop if time is up."""
        self.seen += len(batch[1])
        if self.clock.out_of_time():
            trainer.should_stop = True

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """An epoch ends; the checkpoint comes after this."""
        self.clock.stop(self.seen)


def digits_network() -> nn.Sequential:
    """N x 1 x 8 x 8 -> N x 10."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.1),
        nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 10),
    )  # fmt: skip


def main() -> None:
    given = common.arguments()
    L.seed_everything(given.seed)
    clock = common.Clock(given.seconds)
    own = given.task == "digits"
    network: nn.Module
    train: tasks.Images
    test: tasks.Images
    optimizer: torch.optim.Optimizer
    if own:
        arrays = common.digits(given.data)
        train, test = plain.dataset(arrays, "train"), plain.dataset(arrays, "test")
        network, batch_size = digits_network(), 64
        optimizer = torch.optim.Adam(network.parameters(), lr=2e-4)
    else:
        task = tasks.make(given.task)
        network, batch_size, optimizer = task.network, task.batch_size, task.optimizer()
        train, test = tasks.images(given.task, given.data, task)
    loader = DataLoader(train, batch_size=batch_size, shuffle=not own, num_workers=given.workers or 0)
    epochs = given.epochs or (-1 if given.seconds else OWN_EPOCHS)
    with tempfile.TemporaryDirectory() as place:
        trainer = L.Trainer(max_epochs=epochs, callbacks=[Timing(clock)], default_root_dir=place)
        trainer.fit(Classifier(network, optimizer), loader)
    packages = ("lightning", "torch", "torchvision")
    common.report("lightning", clock, tasks.accuracy(network, test), packages, workers=given.workers or 0)


if __name__ == "__main__":
    main()
