"""Snapshots: the weights after each epoch, few and small; the training itself is the same with and without them."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import convscope as cs
from convscope import snapshots
from convscope.bundle import read_bundle
from convscope.run_folder import RunFolder
from convscope.snapshots import SnapshotWriter, load_snapshot, snapshot_epochs, snapshot_name, spacing


def test_every_epoch_of_a_run_is_there_from_the_first_random_weights(digits_run):
    folder = RunFolder(digits_run.folder).snapshots
    epochs = snapshot_epochs(folder)
    assert epochs[0] == 0 and set(epochs) <= set(range(13)) and len(epochs) >= 2
    torch.manual_seed(digits_run.metrics["seed"])
    fresh = cs.create_model("lenet_relu", num_classes=10, in_channels=1).state_dict()
    first = load_file(folder / snapshot_name(0))
    assert all((first[name] == tensor).all() for name, tensor in fresh.items())
    network, config = read_bundle(folder, snapshot_name(epochs[-1]))
    assert config["label_names"] == digits_run.classifier.class_names and not network.training
    best = digits_run.classifier.network.state_dict()
    if digits_run.metrics["best_epoch"] in epochs:
        kept = load_file(folder / snapshot_name(digits_run.metrics["best_epoch"]))
        assert all((kept[name] == tensor).all() for name, tensor in best.items())


def test_a_run_without_them_has_the_same_weights(squares, tmp_path, monkeypatch):
    options = {
        "model": "lenet_relu",
        "epochs": 2,
        "output": tmp_path,
        "show": False,
        "batch_size": 16,
        "precision": "float32",
    }
    kept = cs.train(squares, **options)
    monkeypatch.setattr(snapshots, "MAX_FILES", 0)
    bare = cs.train(squares, **options)
    assert not RunFolder(bare.folder).snapshots.exists()
    pairs = zip(kept.classifier.network.parameters(), bare.classifier.network.parameters(), strict=True)
    assert all((a == b).all() for a, b in pairs)


@pytest.mark.parametrize("room", [2, 3, 7, 50])
def test_there_are_never_more_than_fit_and_they_are_evenly_spaced(tmp_path, monkeypatch, room):
    monkeypatch.setattr(snapshots, "MAX_FILES", room)
    writer, network = SnapshotWriter(tmp_path, {"a": 1}), nn.Linear(2, 2)
    for epoch in range(120):
        writer.write(epoch, network, elapsed=1e9)
        epochs = snapshot_epochs(writer.folder)
        assert len(epochs) <= room and (epoch < 2 or len(epochs) > room / 2 or epoch < room)
        assert len({b - a for a, b in pairwise(epochs)}) <= 1 and max(epochs) > epoch - spacing(epoch, room)
    assert json.loads((writer.folder / "config.json").read_text()) == {"a": 1}


def test_large_networks_have_fewer_and_huge_ones_none(tmp_path, monkeypatch):
    network = nn.Linear(10, 10)
    size = sum(t.nbytes for t in network.state_dict().values())
    for limit, count in ((size * 3, 3), (size * 2 - 1, 0)):
        monkeypatch.setattr(snapshots, "MAX_BYTES", limit)
        writer = SnapshotWriter(tmp_path / str(count), {})
        for epoch in range(3):
            writer.write(epoch, network, elapsed=1e9)
        assert len(snapshot_epochs(writer.folder)) == count


def test_no_training_waits_for_them(tmp_path):
    writer, network = SnapshotWriter(tmp_path, {}), nn.Linear(2, 2)
    writer.write(0, network, elapsed=0.0)
    writer.seconds = 0.5
    writer.write(1, network, elapsed=49.0)
    writer.write(2, network, elapsed=51.0)
    assert snapshot_epochs(writer.folder) == [0, 2] and writer.seconds > 0.5


def test_a_full_disk_ends_them_and_not_the_training(tmp_path, monkeypatch):
    writer, network = SnapshotWriter(tmp_path, {}), nn.Linear(2, 2)
    writer.write(0, network, elapsed=1e9)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    writer.write(1, network, elapsed=1e9)
    monkeypatch.undo()
    writer.write(2, network, elapsed=1e9)
    assert snapshot_epochs(writer.folder) == [0] and len(list(writer.folder.iterdir())) == 2


def test_a_snapshot_is_a_classifier(digits_run):
    folder = RunFolder(digits_run.folder).snapshots
    newest = snapshot_epochs(folder)[-1]
    image = cs.load_data("digits").splits["val"].images[0]
    assert load_snapshot(folder, None).predict(image) == load_snapshot(folder, newest).predict(image)
    assert load_snapshot(folder, 0).predict(image) != load_snapshot(folder, newest).predict(image)


def test_a_missing_snapshot_is_named(digits_run, tmp_path):
    with pytest.raises(cs.ModelFileError, match="no epoch was saved here"):
        load_snapshot(tmp_path, None)
    with pytest.raises(cs.ModelFileError, match=r"epoch-0099\.safetensors is missing"):
        load_snapshot(RunFolder(digits_run.folder).snapshots, 99)
