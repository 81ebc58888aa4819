"""The bundle: what a classifier is saved as, and what is refused when one is loaded."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import convscope as cs
from convscope import bundle_config


@pytest.fixture(scope="module")
def seven() -> np.ndarray:
    """An image of the validation split that the network reads as a 7 and that is one."""
    split = cs.load_data("digits").splits["val"]
    return split.images[int(np.flatnonzero(split.labels == 7)[0])]


@pytest.fixture
def bundle(digits_run, tmp_path) -> Path:
    return Path(shutil.copytree(digits_run.folder / "classifier", tmp_path / "bundle"))


def test_save_and_load_are_a_round_trip(digits_run, seven, tmp_path):
    folder = digits_run.classifier.save(tmp_path / "saved")
    again = cs.load(folder)
    assert again.predict(seven) == digits_run.classifier.predict(seven)
    assert (
        again.class_names == digits_run.classifier.class_names and again.preprocess == digits_run.classifier.preprocess
    )
    assert again.save(folder) == folder  # over itself
    assert cs.load(str(folder)).predict(seven) == again.predict(seven)
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "config.json",
        "familiar.safetensors",
        "labels.txt",
        "model.safetensors",
    ]
    assert not list(tmp_path.glob(".*"))


def test_saving_never_destroys_what_is_no_bundle(digits_run, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("years of work")
    with pytest.raises(cs.OutputError, match="exists and is no bundle"):
        digits_run.classifier.save(tmp_path / "thesis")
    assert (tmp_path / "thesis" / "chapter.tex").read_text() == "years of work"


def test_a_replacement_that_was_cut_off_is_undone(bundle, seven):
    bundle.rename(bundle.parent / ".bundle.previous")
    assert cs.load(bundle).predict(seven)[0].label == "7"


def test_the_configuration_has_the_keys_of_timm_and_hugging_face(bundle):
    config = json.loads((bundle / "config.json").read_text())
    assert config["architecture"] == "lenet_relu" and config["num_classes"] == 10
    assert config["label_names"] == [str(i) for i in range(10)]
    assert config["pretrained_cfg"]["input_size"] == [1, 32, 32]
    assert {"mean", "std", "interpolation", "crop_pct", "crop_mode"} <= set(config["pretrained_cfg"])
    assert config["format_version"] == 1 and {"preprocessing", "metrics"} <= set(config)


def zipped(bundle: Path, prefix: str = "") -> Path:
    path = bundle.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for part in bundle.iterdir():
            archive.write(part, prefix + part.name)
    return path


@pytest.mark.parametrize("prefix", ["", "bundle/"])
def test_a_zip_is_a_bundle(bundle, seven, prefix):
    assert cs.load(zipped(bundle, prefix)).predict(seven)[0].label == "7"


@pytest.mark.parametrize("name", ["../evil.txt", "/etc/evil", "C:/evil", "a\\..\\..\\evil"])
def test_a_zip_that_leads_outside_is_refused(bundle, name):
    path = zipped(bundle)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, "x")
    with pytest.raises(cs.ModelFileError, match="leads out of the bundle"):
        cs.load(path)


def test_a_zip_with_a_link_is_refused(bundle):
    path = zipped(bundle)
    link = zipfile.ZipInfo("labels2.txt")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(cs.ModelFileError, match="is a link"):
        cs.load(path)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(bundle):
    path = bundle.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(bundle / "config.json", "config.json")
        archive.writestr("model.safetensors", bytes(200_000_000))
    with pytest.raises(cs.ModelFileError, match="damaged or no safetensors file"):
        cs.load(path)


def edit(bundle: Path, **changes: object) -> None:
    path = bundle / "config.json"
    config = json.loads(path.read_text())
    config.update(changes)
    path.write_text(json.dumps({k: v for k, v in config.items() if v is not ...}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "resnet-9000"}, "unknown network 'resnet-9000'"),
        ({"architecture": 7}, "architecture and model_args are missing or of the wrong kind"),
        ({"format_version": 99}, r"made by a newer ConvScope \(format 99, this one reads up to 1\): update"),
        ({"format_version": "1"}, "format version '1' is none: the bundle is damaged"),
        ({"label_names": ["a"]}, "label_names must be a list of at least two names"),
        ({"label_names": [1, 2]}, "label_names must be a list of at least two names"),
        ({"num_classes": 11}, "num_classes and the number of label_names differ"),
        ({"num_classes": 10**9}, "num_classes and the number of label_names differ"),
        ({"model_args": {"num_classes": 10, "in_channels": 1, "__class__": 1}}, "has no option '__class__'"),
        (
            {"model_args": {"num_classes": 10, "in_channels": 3}},
            "in_channels and the preprocessing's input_size differ",
        ),
        ({"preprocessing": ...}, "preprocessing is missing"),
        ({"preprocessing": {"input_size": [1, 32, 32]}}, "preprocessing: missing or wrong value"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_a_bad_configuration_is_one_line(bundle, changes, message):
    edit(bundle, **changes)
    with pytest.raises(cs.ModelFileError, match=message) as caught:
        cs.load(bundle)
    assert "\n" not in str(caught.value) and caught.value.exit_code == 4


def test_an_older_bundle_with_keys_that_nothing_reads_is_loaded(bundle, seven):
    before = cs.load(bundle).predict(seven)
    edit(bundle, temperature=1.0, threshold=0.0)
    assert cs.load(bundle).predict(seven) == before


def test_a_network_far_larger_than_its_file_is_not_built(bundle):
    args = {"num_classes": 10, "in_channels": 1, "hidden": [10**7, 10**7]}
    edit(bundle, architecture="mlp", model_args=args)
    with pytest.raises(cs.ModelFileError, match="hidden is 10000000, far more than the weights have"):
        cs.load(bundle)


def header(content: dict, size: int | None = None) -> bytes:
    text = json.dumps(content).encode()
    return struct.pack("<Q", len(text) if size is None else size) + text


HOSTILE_WEIGHTS = {
    "pickle": pickle.dumps({"weight": [1.0]}),
    "empty": b"",
    "cut": b"\x10\x00\x00",
    "endless header": header({}, 2**63 - 1),
    "offsets outside": header(
        {"features.0.weight": {"dtype": "F32", "shape": [6, 1, 5, 5], "data_offsets": [0, 10**12]}}
    ),
    "overlap": header({k: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for k in ("a", "b")}) + bytes(4),
    "no json": struct.pack("<Q", 4) + b"oops",
}


@pytest.mark.parametrize("content", HOSTILE_WEIGHTS.values(), ids=HOSTILE_WEIGHTS)
def test_hostile_weights_are_one_line(bundle, content):
    (bundle / "model.safetensors").write_bytes(content)
    with pytest.raises(cs.ModelFileError, match=r"model\.safetensors is damaged or no safetensors file") as caught:
        cs.load(bundle)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("features.0.bias"), r"'features\.0\.bias' is missing"),
        (lambda t: t.update(extra=torch.zeros(1)), "'extra' is not one of its weights"),
        (lambda t: t.update({"features.0.bias": torch.zeros(7)}), r"'features\.0\.bias' is \[7\]"),
        (
            lambda t: t.update({"features.0.bias": torch.zeros(6, dtype=torch.int64)}),
            r"'features\.0\.bias' is \[6\] torch\.int64",
        ),
    ],
)
def test_weights_of_another_network_are_named(bundle, change, message):
    tensors = load_file(bundle / "model.safetensors")
    change(tensors)
    save_file(tensors, bundle / "model.safetensors")
    with pytest.raises(cs.ModelFileError, match=message):
        cs.load(bundle)


@pytest.mark.parametrize("part", ["config.json", "model.safetensors"])
def test_a_missing_or_linked_part_is_named(bundle, part, tmp_path):
    (bundle / part).rename(tmp_path / part)
    with pytest.raises(cs.ModelFileError, match=part):
        cs.load(bundle)
    (bundle / part).symlink_to(tmp_path / part)
    with pytest.raises(cs.ModelFileError, match=f"{part} is a link|not a run folder"):
        cs.load(bundle)


@pytest.mark.parametrize("content", ["{", "[]", "[" * 100_000, '{"format_version": 1}', "\x00"])
def test_a_broken_config_is_one_line(bundle, content):
    (bundle / "config.json").write_text(content)
    with pytest.raises(cs.ModelFileError):
        cs.load(bundle)


def test_last_is_the_newest_run(digits_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(cs.ModelFileError, match="no run below the current directory"):
        cs.load("last")
    for age, name in ((100, "old"), (50, "new")):
        run = Path(shutil.copytree(digits_run.folder / "classifier", tmp_path / "runs" / "train" / name / "classifier"))
        os.utime(run / "config.json", (10**9 - age, 10**9 - age))
    edit(tmp_path / "runs/train/new/classifier", label_names=[f"n{i}" for i in range(10)])
    os.utime(tmp_path / "runs/train/new/classifier/config.json")
    assert cs.load("last").class_names[0] == "n0"


def test_an_older_bundle_loads_when_there_is_a_newer_format(bundle, monkeypatch):
    monkeypatch.setattr(bundle_config, "FORMAT_VERSION", 2)
    assert cs.load(bundle).class_names
