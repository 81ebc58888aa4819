"""Training without validation (`--validation none`, recipe `tutorial`): all images, last epoch, table of epochs."""

from __future__ import annotations

import csv
import struct

import numpy as np
import pytest

import convscope as cs
from convscope.data.split import without_validation
from convscope.evaluation.evaluate_run import evaluate_bundle
from convscope.evaluation.evaluated_images import EvaluationOptions
from convscope.evaluation.published_epochs import MNIST_CNN_EPOCHS, published_epochs

from .conftest import OPTIONS


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> cs.Run:
    """Two epochs of the tutorials' recipe, at a size for tests: full batches of a network of one layer."""
    place = tmp_path_factory.mktemp("tutorial")
    options = {**OPTIONS, "show": True}
    return cs.train("digits", "softmax_regression", recipe="tutorial", epochs=2, output=place, **options)


def test_every_image_but_those_of_the_test_split_is_trained_on(run):
    with (run.folder / "split.csv").open() as file:
        splits = [row["split"] for row in csv.DictReader(file)]
    usual = cs.load_data("digits").splits
    assert splits.count("train") == len(usual["train"]) + len(usual["val"])
    assert splits.count("test") == len(usual["test"]) and len(splits) == 1797
    assert run.metrics["val"] is None and not (run.folder / "predictions_val.csv").exists()


def test_each_epoch_has_test_figures_and_the_last_is_kept(run):
    rows = list(csv.DictReader((run.folder / "metrics.csv").open()))
    assert list(rows[0])[:5] == ["epoch", "train/loss", "train/top1", "test/loss", "test/top1"]
    assert [row["test/top1"] for row in run.history] == pytest.approx([float(row["test/top1"]) for row in rows])
    assert run.metrics["best_epoch"] == 2 and run.metrics["test"]["top1"] == run.history[-1]["test/top1"]
    assert run.metrics["recipe"]["validation"] == "none"


def test_the_last_epoch_is_kept_even_if_it_is_worse(tmp_path):
    options = {**OPTIONS, "optimizer": "sgd", "schedule": "constant", "augment": "none"}
    good = cs.train("digits", "softmax_regression", epochs=3, validation="none", output=tmp_path, lr=0.2, **options)
    worse = cs.resume(good.folder, epochs=4, lr=50.0, show=False)
    assert worse.metrics["best_epoch"] == 4
    assert worse.metrics["test"]["loss"] == pytest.approx(worse.history[-1]["test/loss"], rel=1e-5)
    assert worse.history[-1]["test/loss"] > 2 * good.history[-1]["test/loss"]


def test_a_line_per_epoch_shows_train_and_test(tmp_path, capfd):
    cs.train("digits", "softmax_regression", recipe="tutorial", epochs=1, output=tmp_path, **OPTIONS | {"show": True})
    (line,) = [line for line in capfd.readouterr().err.splitlines() if line.startswith("epoch")]
    assert "train loss" in line and "test loss" in line and line.count(" acc ") == 2 and "val" not in line


def test_the_report_says_that_the_test_images_chose_nothing(run):
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "they chose nothing: the weights of the last epoch were kept" in page and "未用于任何选择" in page
    assert page.count('<th scope="row">1</th>') >= 1 and f"{run.history[1]['test/loss']:.4f}" in page
    assert "Published" not in page  # another network than the tutorials'


def test_the_published_epochs_stand_beside_ones_own(tmp_path):
    options = {**OPTIONS, "batch_size": 512}
    run = cs.train("digits", "mnist_cnn", recipe="tutorial", epochs=1, img_size=28, output=tmp_path, **options)
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "“已发表”为教程给出的结果表" in page and "99.37%" in page and "0.4248" in page
    assert all(f"{row[2]:.4f}" in page for row in MNIST_CNN_EPOCHS)
    usual = cs.train("digits", "softmax_regression", epochs=1, output=tmp_path, **OPTIONS)
    assert "Epoch by epoch" not in (usual.folder / "report.html").read_text(encoding="utf-8")


def test_the_published_accuracies_are_means_of_79_batches():
    """Each test accuracy times 79 batches of 128 is a whole number of images: no digit was copied wrongly."""
    assert len(MNIST_CNN_EPOCHS) == 20
    for _, train, _, test in MNIST_CNN_EPOCHS:
        assert abs(test * 79 * 128 - round(test * 79 * 128)) < 1e-3
        assert abs(train * 938 * 64 - round(train * 938 * 64)) < 1e-3
    assert published_epochs("lenet5", [str(i) for i in range(10)]) == () == published_epochs("mnist_cnn", ["a", "b"])


def test_a_run_without_validation_is_resumed_and_evaluated_as_it_is(run):
    longer = cs.resume(run.folder, epochs=3, show=False)
    assert [row["epoch"] for row in longer.history] == [1, 2, 3] and "test/top1" in longer.history[2]
    figures = evaluate_bundle(str(run.folder), options=EvaluationOptions(output=str(run.folder.parent / "evaluations")))
    assert figures["split"] == "test" and figures["top1"] == longer.metrics["test"]["top1"]


def test_idx_files_are_trained_on_whole(tmp_path):
    """As MNIST lies on disk: 60 training and 20 test images, of which 9 are held out unless validation is none."""
    generator = np.random.default_rng(0)
    for part, count in (("train", 60), ("t10k", 20)):
        pixels = generator.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        header = struct.pack(">4I", 2051, count, 28, 28)
        (tmp_path / f"{part}-images-idx3-ubyte").write_bytes(header + pixels.tobytes())
        labels = (np.arange(count) % 10).astype(np.uint8)
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 2049, count) + labels.tobytes())
    for data in (cs.load_data("mnist", tmp_path), cs.load_data(tmp_path)):
        sizes = {name: len(split) for name, split in data.splits.items()}
        assert sizes["test"] == 20 and sizes["train"] + sizes["val"] == 60 and sizes["val"]
        whole = without_validation(data)
        assert {name: len(split) for name, split in whole.splits.items()} == {"train": 60, "test": 20}
        assert sorted(whole.splits["train"].names) == sorted(data.splits["train"].names + data.splits["val"].names)
        if whole.origin is not None:
            assert whole.origin.splits.endswith("(60 train, 20 test); none held out for validation")


def test_a_validation_split_of_the_data_is_measured_but_not_trained_on():
    data = cs.load_data("digits")
    data.held_out = False
    assert without_validation(data) is data


def test_what_needs_validation_is_refused():
    with pytest.raises(cs.UsageError, match="patience needs validation images"):
        cs.Recipe(validation="none", patience=3)
    with pytest.raises(cs.UsageError, match="monitor chooses the best epoch, and validation none keeps the last"):
        cs.train("digits", recipe="tutorial", monitor="val/top1", show=False)


def test_tensorboard_has_the_test_figures(tmp_path):
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run = cs.train(
        "digits", "softmax_regression", recipe="tutorial", epochs=1, tensorboard=True, output=tmp_path, **OPTIONS
    )
    read = events.EventAccumulator(str(run.folder / "tensorboard"))
    read.Reload()
    assert {"train/loss", "test/loss", "test/top1"} <= set(read.Tags()["scalars"])
    assert "val/loss" not in read.Tags()["scalars"]
