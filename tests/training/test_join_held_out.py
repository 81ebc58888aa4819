"""Held-out images that are few are learned from at the end (`--validation join`), after they were measured."""

from __future__ import annotations

import math
import os
import signal
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

import convscope as cs
from convscope.errors import Interrupted
from convscope.run_folder import RunFolder
from convscope.training.join_held_out import SHARE
from convscope.training.loop.trainer import Trainer
from convscope.training.time_budget import Clock

from .conftest import OPTIONS, digits


class Stopped(Trainer):
    """A stage that is stopped by SIGTERM after its first epoch, saved."""

    def end_epoch(self) -> None:
        super().end_epoch()
        self.save()
        os.kill(os.getpid(), signal.SIGTERM)


class Diverging(Trainer):
    """A stage whose first epoch ends with a weight that is no number."""

    def end_epoch(self) -> None:
        next(self.network.parameters()).data.fill_(math.nan)
        super().end_epoch()


FILE = "state.safetensors"
SETTINGS = {**OPTIONS, "epochs": 7, "seed": 3}


def weights_of(run: cs.Run) -> dict[str, torch.Tensor]:
    return dict(run.classifier.network.state_dict())


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> tuple[cs.Run, cs.Run]:
    """The same training that ends with its best epoch, and with the held-out images."""
    places = [tmp_path_factory.mktemp(name) for name in ("auto", "join")]
    plain, joined = (
        cs.train(digits(0, 1, 8), "mnist_fast", validation=place.name[:4], output=place, **SETTINGS) for place in places
    )
    return plain, joined


def test_the_first_stage_is_the_whole_training_without_it(runs):
    plain, joined = runs
    measured = ("train/loss", "val/loss", "val/top1", "lr")
    assert [[row[name] for name in measured] for row in joined.history] == [
        [row[name] for name in measured] for row in plain.history
    ]
    assert joined.metrics["val"] == plain.metrics["val"] and joined.metrics["best_epoch"] == plain.metrics["best_epoch"]
    tables = [(run.folder / "predictions_val.csv").read_text() for run in runs]
    assert tables[0] == tables[1], "the held-out images are evaluated by a network that has not seen them"


def test_the_classifier_has_learned_from_all_images(runs):
    plain, joined = runs
    assert any(
        not torch.equal(a, b) for a, b in zip(weights_of(plain).values(), weights_of(joined).values(), strict=True)
    )
    folder = RunFolder(joined.folder)
    assert folder.whole.exists() and not folder.joining.exists() and not RunFolder(plain.folder).whole.exists()
    for run, learned in ((plain, False), (joined, True)):
        assert run.metrics["learned_from_validation"] is learned
        said = "the classifier learned from the validation images, too" in (run.folder / "report.html").read_text()
        assert said is learned
    timings = joined.metrics["timings"]
    assert (
        joined.metrics["train_seconds"] == pytest.approx(timings["train"] + timings["join"])
        and joined.metrics["test"]["top1"] > 0.9
    )


def test_it_goes_on_after_a_crash_as_if_there_had_been_none(runs, tmp_path, monkeypatch):
    ends, end_epoch = [], Trainer.end_epoch

    def dying(self: Trainer) -> None:
        ends.append(self.validate)
        if ends.count(None) == 2:
            raise MemoryError
        end_epoch(self)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "end_epoch", dying)
        with pytest.raises(MemoryError):
            cs.train(digits(0, 1, 8), "mnist_fast", validation="join", output=tmp_path, **SETTINGS)
    (folder,) = tmp_path.iterdir()
    again = cs.resume(folder, data=digits(0, 1, 8), show=False)
    expected = weights_of(runs[1])
    assert all(torch.equal(tensor, expected[name]) for name, tensor in weights_of(again).items())


def test_a_stop_names_the_run_and_more_epochs_begin_the_stage_anew(runs, tmp_path, monkeypatch):
    one = {**SETTINGS, "epochs": 2}
    with monkeypatch.context() as patch:
        patch.setattr("convscope.training.join_held_out.Trainer", Stopped)
        with pytest.raises(Interrupted, match=f"--resume {tmp_path}/[^/]*$") as stop:
            cs.train(digits(0, 1, 8), "mnist_fast", validation="join", output=tmp_path, **one)
    assert stop.value.exit_code == 143
    (folder,) = tmp_path.iterdir()
    assert RunFolder(folder).joining.exists()
    longer = cs.resume(folder, data=digits(0, 1, 8), epochs=SETTINGS["epochs"], show=False)
    first = runs[1].history
    assert [row["epoch"] for row in longer.history] == [row["epoch"] for row in first]
    assert not RunFolder(folder).joining.exists() and RunFolder(folder).whole.exists()
    assert longer.metrics["test"]["top1"] > 0.9


def test_a_stage_that_diverges_leaves_the_network_as_it_was(runs, tmp_path, monkeypatch):
    monkeypatch.setattr("convscope.training.join_held_out.Trainer", Diverging)
    run = cs.train(digits(0, 1, 8), "mnist_fast", validation="join", output=tmp_path, **SETTINGS)
    assert not RunFolder(run.folder).whole.exists() and not RunFolder(run.folder).joining.exists()
    expected = weights_of(runs[0])
    assert all(torch.equal(tensor, expected[name]) for name, tensor in weights_of(run).items())


def test_more_epochs_learn_from_them_anew(runs, tmp_path):
    first = cs.train(digits(0, 1, 8), "mnist_fast", validation="join", output=tmp_path, **SETTINGS | {"epochs": 2})
    before = weights_of(first)
    longer = cs.resume(first.folder, data=digits(0, 1, 8), epochs=4, show=False)
    assert longer.metrics["epochs"] == 4
    assert any(not torch.equal(tensor, before[name]) for name, tensor in weights_of(longer).items())


def test_layers_that_go_on_behind_a_fitted_one_learn_from_them_too(low, tmp_path, monkeypatch):
    monkeypatch.setattr("convscope.training.loop.trainer.is_best", lambda *_: True)  # the last epoch is kept
    run = cs.train(digits(6, 7, 8), "mnist_fast", from_run=str(low.folder), epochs=2, output=tmp_path, **OPTIONS)
    best, whole = (load_file(RunFolder(run.folder).path / "checkpoints" / name / FILE) for name in ("best", "whole"))
    assert run.metrics["best_epoch"] == 2
    changed = {name for name in best if not torch.equal(best[name], whole[name])}
    assert "network.stage1.0.weight" in changed
    # Batch norms of a body that has learned before keep their statistics.
    assert not any(name.endswith("running_mean") for name in changed)
    state = weights_of(run)
    assert all(torch.equal(state[name], whole[f"network.{name}"]) for name in state)
    assert not RunFolder(run.folder).fitted.exists()


def test_images_that_a_user_set_aside_are_not_learned(tmp_path):
    data = replace(digits(0, 1, 8), divided=False, held_out=False)
    run = cs.train(data, "mnist_fast", validation="join", output=tmp_path, **SETTINGS | {"epochs": 1})
    assert not RunFolder(run.folder).whole.exists()


def test_images_that_test_when_not_to_answer_are_not_learned(tmp_path):
    run = cs.train("digits", "softmax_regression", validation="join", output=tmp_path, **OPTIONS, epochs=1)
    assert run.metrics["val"]["n"] >= 200 and not RunFolder(run.folder).whole.exists()


def test_few_photos_learn_from_them_by_default():
    assert cs.Recipe.load("transfer").validation == "join"
    for name in ("fast", "best"):
        assert cs.Recipe.load(name, "few-photos").validation == "join"
        assert cs.Recipe.load(name, "photos").validation == "auto"


def test_a_time_budget_holds_with_it(tmp_path):
    run = cs.train(digits(0, 1, 8), "mnist_fast", validation="join", time_budget=3, output=tmp_path, **OPTIONS)
    assert RunFolder(run.folder).whole.exists() and run.metrics["timings"]["join"] > 0
    clock = Clock(100)
    clock.later = SHARE
    clock.add_earlier(65)
    assert clock.share() < 1 and not clock.out_of_time()
    clock.add_earlier(10)
    assert clock.share() == 1 and clock.out_of_time()
