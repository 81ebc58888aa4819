"""Damaged and hostile bundles end in one line with exit code 4, quickly, whatever is wrong with them."""

from __future__ import annotations

import json
import re
import shutil
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

import convscope as cs
from convscope.bundle_config import BUNDLED


@pytest.fixture
def bundle(tmp_path) -> Path:
    return Path(shutil.copytree(BUNDLED / "mnist-relu", tmp_path / "bundle"))


def zipped(bundle: Path) -> Path:
    path = bundle.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(bundle.iterdir()):
            archive.write(file, file.name)
    return path


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_refused(value, bundle):
    weights = safetensors.torch.load_file(bundle / "model.safetensors")
    name = sorted(weights)[-1]
    weights[name].view(-1)[-1] = value
    safetensors.torch.save_file(weights, bundle / "model.safetensors", {"format": "pt"})
    with pytest.raises(cs.ModelFileError, match=f"has numbers in '{name}' that are not finite") as caught:
        cs.load(bundle)
    assert caught.value.exit_code == 4


def test_an_output_that_is_not_finite_is_said_for_that_image():
    classifier = cs.load("mnist-relu")
    with torch.no_grad():
        for parameter in classifier.network.parameters():
            parameter.mul_(1e20)
    good, bad = np.zeros((28, 28), np.uint8), np.full((28, 28), 255, np.uint8)
    results = list(classifier.predict_each([good, bad]))
    assert all(result.reason == "the network's output for it is not a finite number" for result in results[1:])
    with pytest.raises(cs.DataError, match="not a finite number"):
        classifier.predict(bad)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "arguments",
    [
        {"hidden": [1] * 200_000},
        {"hidden": [[[1] * 100_000]]},
        {"hidden": [10**9]},
        {"hidden": ["x" * 10_000]},
        {"depth": float("inf")},
    ],
)
def test_arguments_that_the_weights_do_not_have_are_refused_at_once(arguments, bundle):
    config = json.loads((bundle / "config.json").read_text())
    config |= {"architecture": "mlp", "model_args": {"num_classes": 10, "in_channels": 1, **arguments}}
    (bundle / "config.json").write_text(json.dumps(config))
    start = time.perf_counter()
    with pytest.raises(cs.ModelFileError, match=r"far more|a text of"):
        cs.load(bundle)
    assert time.perf_counter() - start < 30


def test_a_member_called_by_a_dot_is_passed_over(bundle):
    path = zipped(bundle)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(".", b"")
    assert cs.load(path).class_names == cs.load(bundle).class_names


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_what_is_wrong_with_a_zip_is_said(bundle):
    path = zipped(bundle)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(cs.ModelFileError, match=r"bundle\.zip: no bundle: .* a zip that was cut"):
        cs.load(path)
    path.write_bytes(content)
    with zipfile.ZipFile(path, "a") as archive:  # programs differ in which of two they read
        archive.write(bundle / "config.json", "config.json")
    with pytest.raises(cs.ModelFileError, match=r"the zip has config\.json 2 times"):
        cs.load(path)
    flags = re.compile(rb"(PK\x03\x04..|PK\x01\x02....)\x00", re.DOTALL)
    path.write_bytes(flags.sub(lambda found: found[1] + b"\x01", content))
    with pytest.raises(cs.ModelFileError, match=r"config\.json is encrypted: unpack the zip"):
        cs.load(path)


def test_wrong_preprocessing_is_said_with_the_bundle(bundle):
    config = json.loads((bundle / "config.json").read_text())
    config["preprocessing"]["interpolation"] = "none"
    (bundle / "config.json").write_text(json.dumps(config))
    with pytest.raises(cs.ModelFileError, match=r"bundle: config\.json: preprocessing: unknown interpolation 'none'"):
        cs.load(bundle)


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Change, remove or insert a few bytes, or cut the end off."""
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 6))):
        at = int(rng.integers(0, max(len(data), 1)))
        match rng.integers(0, 4):
            case 0:
                data[at : at + 1] = bytes([int(rng.integers(0, 256))])
            case 1:
                del data[at : at + int(rng.integers(1, 64))]
            case 2:
                data[at:at] = rng.bytes(int(rng.integers(1, 16)))
            case _:
                data = data[: max(at, 1)]
    return bytes(data)


def check_mutations(bundle: Path, seeds: range) -> None:
    packed = zipped(bundle)
    originals = {path: path.read_bytes() for path in (packed, bundle / "config.json", bundle / "model.safetensors")}
    for seed in seeds:
        rng = np.random.default_rng(seed)
        path = list(originals)[seed % len(originals)]
        path.write_bytes(mutated(originals[path], rng))
        try:
            cs.load(packed if path == packed else bundle)
        except cs.ModelFileError as problem:
            assert "\n" not in str(problem) and problem.exit_code == 4, seed
        finally:
            path.write_bytes(originals[path])


def test_mutated_bundles_are_refused_or_loaded(bundle):
    check_mutations(bundle, range(90))


@pytest.mark.slow
def test_a_thousand_mutated_bundles_are_refused_or_loaded(bundle):
    check_mutations(bundle, range(90, 1090))
