"""Where a bundle lies, and its configuration, read without trusting it: what needs neither torch nor a network."""

from __future__ import annotations

import contextlib
import json
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .abstention import Abstention, abstention_of
from .bundle_file import MAX_CONFIG_BYTES, read_part
from .bundle_hub import fetch_bundle, is_on_hub
from .data.preprocess import Preprocess
from .errors import ModelFileError, printable
from .files import restore_folder
from .run_folder import CLASSIFIER, find_run, newest_run, no_such_run
from .task import Task

FORMAT_VERSION = 1
CONFIG, WEIGHTS = "config.json", "model.safetensors"
# Classifiers that ship with the package, one folder per classifier.
BUNDLED = Path(__file__).parent / "bundled"
# The network that most tutorials describe: convolution, ReLU, pooling.
FIRST = "mnist-relu"


def find_bundle(source: str | Path) -> Path:
    """Return the bundle of a run folder, a bundle folder, a zip of one, `last`, a run's name or a bundled classifier's.

    That of an address on the Hugging Face hub (`hf://OWNER/NAME`) is fetched. A run or a bundle
    at a path comes before names. ModelFileError if there is no bundle, or if a name is that of two.
    """
    if is_on_hub(source):
        return fetch_bundle(str(source))
    run = newest_run(f"{CLASSIFIER}/{CONFIG}") if str(source) == "last" else find_run(source, bundled_names())
    path, shown = run.path, printable(run.path)
    if not path.exists() and str(source) in bundled_names():
        return BUNDLED / str(source)
    for folder in (path, run.classifier):
        with contextlib.suppress(OSError):
            restore_folder(folder)
    if (run.classifier / CONFIG).is_file():
        return run.classifier
    if (path / CONFIG).is_file() or zipfile.is_zipfile(path):
        return path
    if not path.exists():
        if find_spec("torch") is None:
            raise no_such_run(str(source), bundled_names(), None)
        from .models import list_models

        raise no_such_run(str(source), bundled_names(), list_models())
    if run.recipe.is_file():
        raise ModelFileError(
            f"{shown}: this run has no classifier yet: finish it with `convscope train --resume {shown}`"
        )
    if path.is_file():
        raise ModelFileError(f"{shown}: no bundle: a file that is no zip, or a zip that was cut off or damaged")
    raise ModelFileError(f"{shown}: not a run folder and not a bundle ({CONFIG} is missing)")


def is_bundle(source: str | Path) -> bool:
    """Return whether `find_bundle` finds a classifier there; a zip is one if it holds a part of a bundle.

    Other zips, and NumPy's .npz, may hold images.
    """
    with contextlib.suppress(ModelFileError, OSError, ValueError, zipfile.BadZipFile):
        path = find_bundle(source)
        if path.is_dir():
            return True
        with zipfile.ZipFile(path) as archive:
            return any(name.rpartition("/")[2] in (CONFIG, WEIGHTS) for name in archive.namelist())
    return False


def bundled_names() -> list[str]:
    """Return the names of the classifiers that ship with the package, the one that is shown first at the front."""
    return sorted((path.parent.name for path in BUNDLED.glob(f"*/{CONFIG}")), key=lambda name: (name != FIRST, name))


def make_config(
    architecture: str,
    model_args: dict[str, Any],
    class_names: list[str],
    preprocess: Preprocess,
    metrics: dict[str, Any] | None = None,
    task: Task | None = None,
    abstention: Abstention | None = None,
) -> dict[str, Any]:
    """Return the content of `config.json`, with the keys of timm and Hugging Face where they have one."""
    return {
        "architecture": architecture,
        "num_classes": len(class_names),
        "label_names": class_names,
        # Not the devices that the network was placed on: another machine may have others.
        "model_args": {key: value for key, value in model_args.items() if key != "devices"},
        # For programs that know timm's keys. ConvScope reads `preprocessing`, which also has what timm has no key for.
        "pretrained_cfg": {
            "input_size": preprocess.input_size,
            "mean": preprocess.mean,
            "std": preprocess.std,
            "interpolation": preprocess.interpolation,
            "crop_pct": preprocess.crop_pct,
            "crop_mode": {"pad": "border"}.get(preprocess.crop_mode, preprocess.crop_mode),
        },
        "format_version": FORMAT_VERSION,
        "preprocessing": preprocess.to_dict(),
        **(task or Task()).to_config(),
        **(abstention or Abstention()).to_config(),
        "metrics": metrics or {},
    }


def read_config(bundle: Path) -> dict[str, Any]:
    """Return the checked configuration of a bundle; ModelFileError if it is damaged."""
    shown = f"{printable(bundle)}: {CONFIG}"
    try:
        config = json.loads(read_part(bundle, CONFIG, MAX_CONFIG_BYTES))
    except (ValueError, RecursionError) as problem:
        raise ModelFileError(f"{shown} is no valid JSON ({printable(problem)[:100]})") from problem
    if not isinstance(config, dict):
        raise ModelFileError(f"{shown} holds no settings")
    version = config.get("format_version")
    if type(version) is not int or not version >= 1:
        raise ModelFileError(f"{shown}: format version {str(version)[:40]!r} is none: the bundle is damaged")
    if version > FORMAT_VERSION:
        raise ModelFileError(
            f"{shown}: made by a newer ConvScope (format {str(version)[:40]}, this one reads up to {FORMAT_VERSION}): "
            "update with `pip install --upgrade convscope`"
        )
    labels = config.get("label_names")
    least = 2 if task_of(config, shown).thresholds is None else 1
    if not isinstance(labels, list) or len(labels) < least or not all(isinstance(label, str) for label in labels):
        raise ModelFileError(f"{shown}: label_names must be a list of at least {('one name', 'two names')[least - 1]}")
    abstention_of(config, shown)
    args = config.get("model_args")
    if not isinstance(config.get("architecture"), str) or not isinstance(args, dict):
        raise ModelFileError(f"{shown}: architecture and model_args are missing or of the wrong kind")
    if not isinstance(config.get("preprocessing"), dict):
        raise ModelFileError(f"{shown}: preprocessing is missing")
    try:
        preprocess = Preprocess.from_dict(config["preprocessing"])
    except ModelFileError as problem:
        raise ModelFileError(f"{shown}: {problem}") from problem
    if not config.get("num_classes") == args.get("num_classes") == len(labels):
        raise ModelFileError(f"{shown}: num_classes and the number of label_names differ")
    if args.get("in_channels") != preprocess.input_size[0]:
        raise ModelFileError(f"{shown}: in_channels and the preprocessing's input_size differ")
    return config


def task_of(config: dict[str, Any], shown: str = CONFIG) -> Task:
    """Return what the outputs of a bundle's network stand for; ModelFileError if its configuration is wrong."""
    task = config.get("task", "single-label")
    if task == "single-label":
        return Task()
    thresholds, labels = config.get("thresholds"), config.get("label_names")
    if task != "multi-label":
        raise ModelFileError(f"{shown}: task must be multi-label or left out, not '{printable(task)}'")
    if (
        not isinstance(thresholds, list)
        or not all(type(value) in (int, float) and 0 <= value <= 1 for value in thresholds)
        or not isinstance(labels, list)
        or len(thresholds) != len(labels)
    ):
        raise ModelFileError(f"{shown}: thresholds must hold a number from 0 to 1 for each of label_names")
    return Task(tuple(map(float, thresholds)))
