"""fastai: DataLoaders and Learner, with fastai's own loader (one worker per core) and its own loop.

    python -m benchmarks.peers.fastai_loop --task mnist-cnn --data DIR [--epochs 1]

Digits: its MNIST example: PNG files in class folders, vision_learner with a resnet18 from no pretrained weights,
fit_one_cycle(1, 0.01), of which --seconds makes as many epochs as fit. Batches are of 64, its loader's default, where
the example has 256: that would be five steps per epoch.

Photos of 32 x 32: the same from class folders of colour images, with `aug_transforms()`, as its pages for photos have
it, and the rate of its from-scratch examples, 0.003. It learns from all but ten of the training photos, which it wants
for validation.
"""

from __future__ import annotations

import argparse
import tempfile
from functools import partial
from pathlib import Path

import torch
from fastai.vision.all import (
    SGD,
    Callback,
    CancelFitException,
    CancelTrainException,
    CategoryBlock,
    CrossEntropyLossFlat,
    DataBlock,
    DataLoaders,
    GrandparentSplitter,
    ImageBlock,
    Learner,
    PILImageBW,
    RandomSplitter,
    aug_transforms,
    get_image_files,
    parent_label,
    resnet18,
    set_seed,
    vision_learner,
)

from benchmarks.peers import common, tasks

OWN_EPOCHS = 1
CPU = torch.device("cpu")


class Timing(Callback):
    """The seconds of training; the validation after each epoch does not count."""

    order = 100  # after whatever belongs to fastai's loop

    def __init__(self, clock: common.Clock):
        self.clock, self.seen = clock, 0

    def before_train(self) -> None:
        """The training part of an epoch begins."""
        self.seen = 0
        self.clock.start()

    def after_batch(self) -> None:
        """Count the images of the training part, and end it if time is up."""
        if self.learn.training:
            self.seen += len(self.learn.yb[0])
            if self.clock.out_of_time():
                raise CancelTrainException

    def after_train(self) -> None:
        """The training part ends."""
        self.clock.stop(self.seen)

    def after_epoch(self) -> None:
        """End the fit too."""
        if self.clock.out_of_time():
            raise CancelFitException


def same_work(given: argparse.Namespace, clock: common.Clock) -> float:
    """The common task; gives the test accuracy."""
    task = tasks.make(given.task)
    train, test = tasks.images(given.task, given.data, task)
    workers: dict[str, int] = {} if given.workers is None else {"num_workers": given.workers}
    loaders = DataLoaders.from_dsets(train, test, bs=task.batch_size, device=CPU, **workers)
    sgd = partial(SGD, mom=task.momentum, decouple_wd=False)
    learner = Learner(loaders, task.network, loss_func=CrossEntropyLossFlat(), opt_func=sgd, wd=task.weight_decay)
    with learner.no_bar(), learner.no_logging():
        learner.fit(given.epochs or 1_000_000, task.lr, cbs=[Timing(clock)])
    return tasks.accuracy(learner.model, test)


def digits_block() -> DataBlock:
    """Its MNIST example's reading of class folders."""
    return DataBlock(
        blocks=(ImageBlock(PILImageBW), CategoryBlock),
        get_items=partial(get_image_files, folders=["train", "val"]),
        splitter=GrandparentSplitter(train_name="train", valid_name="val"),
        get_y=parent_label,
    )


def own_way(given: argparse.Namespace, clock: common.Clock, place: Path) -> float:
    """Digits or photos; gives the test accuracy."""
    if given.task == "photos":
        place, rate, channels = given.data, 3e-3, 3
        block = DataBlock(
            blocks=(ImageBlock, CategoryBlock),
            get_items=partial(get_image_files, folders=["train"]),
            splitter=RandomSplitter(valid_pct=0.02, seed=given.seed),
            get_y=parent_label,
            batch_tfms=aug_transforms(),
        )
    else:
        rate, channels = 1e-2, 1
        common.digits_as_files(given.data, place)
        block = digits_block()
    loaders = block.dataloaders(place, device=CPU)

    def learner() -> Learner:
        return vision_learner(loaders, resnet18, pretrained=False, n_in=channels)

    epochs = given.epochs or OWN_EPOCHS
    if given.seconds and not given.epochs:
        trial = learner()
        with trial.no_bar(), trial.no_logging():
            epochs = common.passes_that_fit(
                given.seconds, lambda watch: trial.fit_one_cycle(1, rate, cbs=[Timing(watch)])
            )
        clock.limit = None  # a schedule that was laid out for the time is not cut short of its end
    trained = learner()
    with trained.no_bar(), trained.no_logging():
        trained.fit_one_cycle(epochs, rate, cbs=[Timing(clock)])
        test = loaders.test_dl(get_image_files(place / "test"), with_labels=True)
        answers, truth = trained.get_preds(dl=test)
    return float((answers.argmax(1) == truth).float().mean())


def main() -> None:
    given = common.arguments()
    set_seed(given.seed)
    clock = common.Clock(given.seconds)
    with tempfile.TemporaryDirectory() as place:
        top1 = own_way(given, clock, Path(place)) if given.task in common.OWN_WAY else same_work(given, clock)
    common.report("fastai", clock, top1, ("fastai", "torch", "torchvision"), workers=given.workers)


if __name__ == "__main__":
    main()
