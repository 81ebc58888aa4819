"""Resuming with options: whichever is given, the run goes on or stays as it was, and can still be resumed."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

import convscope as cs
from convscope.training.recipe.options import OPTIONS

# Another value than that of the run for every field of a recipe.
CHANGED = {
    "model": "lenet_sigmoid", "data": "mnist-5k", "data_dir": "elsewhere", "folders": "classes",
    "label_column": "label", "label_pattern": "(a|b)", "kind": "photos", "group_by": "2", "exclude": "elsewhere.csv",
    "label_type": "single", "uncertain": "yes", "encoding": "gb18030",
    "img_size": 32, "in_channels": 3, "crop_mode": "pad",
    "superpixels": 20, "sampler": "balanced", "cache": "off", "model_args": {"num_classes": 10}, "head": "knn",
    "features": "relu1", "pretrained": True, "weights": "w.pth", "weights_dir": "elsewhere",
    "from_run": "last", "freeze": True, "freeze_epochs": 1,
    "unfreeze_epochs": 1, "body_lr_factor": 0.5, "epochs": 3, "time_budget": 500.0, "images_shown": 1000,
    "monitor": "val/top1", "validation": "none", "patience": 5, "batch_size": 200, "lr": 0.001,
    "optimizer": "sgd", "adam_lr": 0.1,
    "momentum": 0.5, "nesterov": True, "weight_decay": 0.0, "schedule": "constant", "warmup_epochs": 0.5,
    "label_smoothing": 0.1, "class_weights": "balanced", "ema_decay": 0.9, "augment": "affine", "mixup": 0.2,
    "cutmix": 1.0, "progressive": True, "tta": "flip", "device": "cpu", "precision": "bf16",
    "layout": "channels-last", "compile": True, "workers": 1, "accumulate": 2, "sync_batch_norm": True,
    "shard_weights": True, "seed": 1, "deterministic": True, "tensorboard": True,
}  # fmt: skip
# What a training may start to do at any time.
GOES_ON = {
    "data_dir", "weights_dir", "cache", "epochs", "time_budget", "patience", "batch_size", "lr", "adam_lr", "momentum",
    "weight_decay", "schedule", "warmup_epochs", "label_smoothing", "augment", "mixup", "cutmix", "tta", "device",
    "precision", "layout", "workers", "accumulate", "sync_batch_norm", "shard_weights", "seed", "deterministic",
    "tensorboard",
}  # fmt: skip
# What depends on the machine (a compiler) or on the network.
EITHER = {"compile", "progressive"}


def content_of(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> cs.Run:
    place = tmp_path_factory.mktemp("finished")
    options = {"precision": "float32", "layout": "contiguous", "batch_size": 128}
    return cs.train("digits", "lenet_relu", epochs=1, output=place, show=False, **options)


def test_every_field_of_a_recipe_is_tried():
    assert set(CHANGED) == set(OPTIONS)


@pytest.mark.parametrize("name", OPTIONS)
def test_a_run_goes_on_or_is_left_as_it_was(tmp_path, finished, name):
    folder = tmp_path / "run"
    shutil.copytree(finished.folder, folder)
    before = content_of(folder)
    options = {"epochs": 2} | {name: CHANGED[name]}
    try:
        run = cs.resume(folder, show=False, **options)
    except cs.ConvScopeError as refusal:
        assert name not in GOES_ON, refusal
        assert "\n" not in str(refusal) and len(str(refusal)) < 400
        assert content_of(folder) == before  # so it can still be resumed, as the others show
        return
    assert name in GOES_ON | EITHER
    assert len(run.history) == options["epochs"]
    assert getattr(cs.Recipe.load(folder / "recipe.yaml"), name) == CHANGED[name]
    rows = cs.resume(folder, epochs=4, show=False).history
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]


def test_options_for_a_finished_run_change_nothing(tmp_path, finished):
    folder = tmp_path / "run"
    shutil.copytree(finished.folder, folder)
    recipe, metrics = (folder / "recipe.yaml").read_bytes(), (folder / "metrics.csv").read_bytes()
    again = cs.resume(folder, lr=0.5, weight_decay=0.0, show=False)
    assert (folder / "recipe.yaml").read_bytes() == recipe and (folder / "metrics.csv").read_bytes() == metrics
    assert again.metrics["recipe"]["lr"] == finished.metrics["recipe"]["lr"]
    assert "--lr 0.5" not in (folder / "report.html").read_text(encoding="utf-8")


def test_a_rate_that_diverges_at_once_does_not_stay_with_the_run(tmp_path, finished):
    folder = tmp_path / "run"
    shutil.copytree(finished.folder, folder)
    recipe = (folder / "recipe.yaml").read_bytes()
    with pytest.raises(cs.DivergedError, match=r"the loss became .*the last finite state is in "):
        cs.resume(folder, lr=1e4, weight_decay=10, schedule="constant", epochs=30, show=False)
    assert (folder / "recipe.yaml").read_bytes() == recipe
    assert len(cs.resume(folder, epochs=2, show=False).history) == 2


def test_a_decay_of_the_average_may_change_but_not_whether_there_is_one(tmp_path):
    options = {"precision": "float32", "layout": "contiguous", "batch_size": 128, "show": False}
    run = cs.train("digits", "lenet_relu", epochs=1, ema_decay=0.9, output=tmp_path, **options)
    with pytest.raises(cs.ModelFileError, match=r"was started with ema_decay 0.9, not 0.0: leave it out"):
        cs.resume(run.folder, ema_decay=0.0, epochs=2, show=False)
    with pytest.raises(cs.ModelFileError, match=r"was started without img_size, not with 28: leave it out"):
        cs.resume(run.folder, img_size=28, epochs=2, show=False)
    assert len(cs.resume(run.folder, ema_decay=0.99, epochs=2, show=False).history) == 2


def test_half_an_epoch_is_finished_with_batches_of_another_size(tmp_path, monkeypatch):
    from convscope.training.loop.trainer import Trainer

    step, calls = Trainer.step, []

    def counted(self, images, labels):
        calls.append(len(images))
        if len(calls) == 7:
            self.save()
            raise KeyboardInterrupt
        return step(self, images, labels)

    monkeypatch.setattr(Trainer, "step", counted)
    options = {"precision": "float32", "layout": "contiguous", "show": False}
    with pytest.raises(KeyboardInterrupt):
        cs.train("digits", "lenet_relu", epochs=1, batch_size=100, output=tmp_path, name="run", **options)
    calls.clear()
    monkeypatch.setattr(Trainer, "step", lambda self, i, label: (calls.append(len(i)), step(self, i, label))[1])
    images = sum(1 for line in (tmp_path / "run" / "split.csv").read_text().splitlines() if line.endswith("train"))
    cs.resume(tmp_path / "run", batch_size=200, show=False)
    assert sum(calls) == images - 600


def test_images_that_were_moved_are_named_anew(tmp_path, squares):
    options = {"precision": "float32", "layout": "contiguous", "show": False}
    folder = cs.train(squares, "lenet_relu", epochs=1, output=tmp_path, name="run", **options).folder
    moved = squares.rename(tmp_path / "moved")
    before = content_of(folder)
    with pytest.raises(cs.DataError, match=r"no longer in .*squares: if they were moved, .* FOLDER --resume "):
        cs.resume(folder, epochs=2, show=False)
    (others := tmp_path / "others").mkdir()
    for name in ("dark", "bright"):
        shutil.copytree(moved / name, others / name)
    (others / "dark" / "00.png").write_bytes((moved / "bright" / "00.png").read_bytes())
    with pytest.raises(cs.ModelFileError, match="made with other classes or other images"):
        cs.resume(folder, data=others, epochs=2, show=False)
    assert content_of(folder) == before
    assert len(cs.resume(folder, data=moved, epochs=2, show=False).history) == 2
    assert len(cs.resume(folder, epochs=3, show=False).history) == 3


@pytest.mark.parametrize(("optimizer", "usual"), [("sgd", "0.1"), ("adamw", "0.003")])
def test_a_first_step_that_diverges_leaves_a_run_for_a_lower_rate(tmp_path, squares, optimizer, usual):
    options = {"precision": "float32", "layout": "contiguous", "batch_size": 4, "optimizer": optimizer}
    with pytest.raises(cs.DivergedError, match=rf"in epoch 1, step \d: nothing was saved yet; .*--lr {usual},"):
        cs.train(squares, "lenet_relu", epochs=2, lr=1e4, output=tmp_path, name="run", show=False, **options)
    assert len(cs.resume(tmp_path / "run", lr=1e-3, show=False).history) == 2
    assert cs.Recipe.load(tmp_path / "run" / "recipe.yaml").lr == 1e-3
