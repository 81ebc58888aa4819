"""The registry: the run and the bundled classifiers, and a run's saved epochs."""

from __future__ import annotations

import shutil

import pytest
import torch

import convscope as cs
from convscope import bundle_config
from convscope.bundle import read_bundle
from convscope.bundle_config import bundled_names, find_bundle
from convscope.data.image_file import decode
from convscope.errors import ModelFileError, UsageError
from convscope.models import own_card
from convscope.run_folder import RunFolder, read_metrics
from convscope.serving.classifiers import Registry
from convscope.snapshots import load_snapshot, snapshot_epochs, snapshot_name, snapshots_of
from convscope.target import Target

from .conftest import BinaryAnswer


@pytest.fixture
def bundled(digits_run, tmp_path, monkeypatch):
    """A package with one bundled classifier, `tiny`."""
    shutil.copytree(digits_run.folder / "classifier", tmp_path / "bundled" / "tiny")
    monkeypatch.setattr(bundle_config, "BUNDLED", tmp_path / "bundled")
    monkeypatch.setattr("convscope.serving.classifiers.BUNDLED", tmp_path / "bundled")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "bundled" / "tiny"


def test_a_bundled_classifier_goes_by_its_name_unless_there_is_such_a_folder(bundled, digits_run, tmp_path):
    assert bundled_names() == ["tiny"] and find_bundle("tiny") == bundled
    assert list(Registry([], torch.device("cpu")).by_id) == ["tiny"]
    assert list(Registry([str(digits_run.folder)], torch.device("cpu")).by_id) == [digits_run.folder.name, "tiny"]
    shutil.copytree(bundled, tmp_path / "work" / "tiny")
    assert find_bundle("tiny").resolve() == tmp_path / "work" / "tiny"
    with pytest.raises(ModelFileError, match=r"tinny: no such run.*bundled one \(tiny\)"):
        find_bundle("tinny")


def test_what_ships_is_small_and_says_how_it_was_made():
    for name in bundled_names():
        folder = bundle_config.BUNDLED / name
        sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
        epochs = sum(size for file, size in sizes.items() if file.startswith("epoch-"))
        assert sum(sizes.values()) - epochs < 1_500_000 and epochs < 1_200_000
        assert snapshot_epochs(snapshots_of(name)) == [0, 1, 2, 3, 4, 6, 9, 14, 20]
        assert {tensor.dtype for tensor in load_snapshot(folder, 20).network.state_dict().values()} == {torch.float32}
        assert len(read_metrics(folder / "metrics.csv")) == 20
        assert "convscope train" in (folder / "README.md").read_text()
        assert read_bundle(find_bundle(name))[1]["metrics"]


def test_an_epoch_has_its_own_weights(client, digits_run, digit):
    answer = client.get("/api/snapshots").json()
    assert not answer["running"] and answer["epochs"][0] == 0 and answer["planned"] == 12
    assert [row["epoch"] for row in answer["metrics"]] == list(range(1, 13))
    assert answer["metrics"][-1]["val/top1"] == pytest.approx(digits_run.history[-1]["val/top1"])
    for epoch in answer["epochs"][:2]:
        got = BinaryAnswer.of(client.post("/api/forward", content=digit, params={"epoch": epoch}))
        network, _ = read_bundle(RunFolder(digits_run.folder).snapshots, snapshot_name(epoch))
        preprocess = digits_run.classifier.preprocess
        with torch.no_grad():
            logits = network(preprocess.normalize(preprocess.pixels(decode(digit))[None]))[0]
        assert got.header["epoch"] == epoch and got.header["logits"] == pytest.approx(logits.tolist(), abs=1e-4)
        kernel = BinaryAnswer.of(client.get("/api/kernels/features.0", params={"session": got.header["session"]}))
        assert kernel.floats(1, 5, 5) == pytest.approx(network.features[0].weight[0].detach().numpy())
    assert client.post("/api/forward", content=digit, params={"epoch": 99}).status_code == 404


def test_several_are_served_and_each_has_a_name_of_its_own(bundled, digits_run, tmp_path):
    (tmp_path / "other").mkdir()
    copied = tmp_path / "other" / digits_run.folder.name
    shutil.copytree(digits_run.folder, copied)
    registry = Registry([str(digits_run.folder), str(copied), "lenet5"], torch.device("cpu"))
    name = digits_run.folder.name
    assert list(registry.by_id) == [name, f"{name} (other)", "lenet5", "tiny"] and registry.current == name
    cautions = [served.entry()["caution"] for served in registry.by_id.values()]
    assert cautions[:2] == [None, None] and "not trained" in cautions[2]["en"]
    for options, message in (
        ({"model": "mynet.py:CNN"}, "--model: none of these is a run of a network of one's own"),
        ({"weights": "w.pt"}, "--weights belongs to one network, but 2 are given"),
    ):
        sources = [str(digits_run.folder), "lenet5", "lenet_relu"]
        with pytest.raises(UsageError, match=message):
            Registry([Target(source, **options) for source in sources], torch.device("cpu"))


def test_runs_of_networks_in_one_file_are_served_together(tmp_path):
    (tmp_path / "mynet.py").write_text(OWN_NETWORKS)
    bundles = [tmp_path / "one", tmp_path / "two"]
    for bundle, name in zip(bundles, ("One", "Two"), strict=True):
        network = own_card(f"{tmp_path / 'mynet.py'}:{name}").build()
        cs.Classifier(
            network, list("abc"), cs.Preprocess((1, 8, 8)), f"mynet.py:{name}", {"num_classes": 3, "in_channels": 1}
        ).save(bundle)
    targets = [Target(str(bundle), model=f"{tmp_path / 'mynet.py'}:One") for bundle in bundles]
    registry = Registry(targets, torch.device("cpu"))
    sizes = {name: registry.get(name).nodes["fc"].parameters for name in ("one", "two")}
    assert sizes == {"one": 3 * (64 + 1), "two": 3 * 64}


OWN_NETWORKS = """
from torch import nn

class One(nn.Module):
    bias = True

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(64, 3, bias=self.bias)

    def forward(self, x):
        return self.fc(x.flatten(1))

class Two(One):
    bias = False
"""
