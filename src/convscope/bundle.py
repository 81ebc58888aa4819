"""The bundle, a classifier on disk: `config.json`, `model.safetensors`, `labels.txt` and a model card.

A bundle from a stranger is safe to open: it holds no pickle and nothing in it is executed. Names are checked, sizes
against what the network needs before anything is read, and every tensor must have the expected name, shape and type.
"""

from __future__ import annotations

import contextlib
import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from .abstention import Abstention, abstention_of
from .bundle_file import MAX_CONFIG_BYTES, read_part, tensor_shapes
from .data.preprocess import Preprocess
from .errors import ConvScopeError, ModelFileError, OutputError, printable
from .files import restore_folder, write_folder_atomically
from .models import Card, create_model, list_models
from .models.own import is_own
from .models.own.probe import agree, probe, probe_pixels
from .models.own.source import needs_class
from .run_folder import CLASSIFIER, LABELS, find_run, labels_text, newest_run, no_such_run
from .task import Task

FORMAT_VERSION = 1
CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
# Arguments of a network that have no counterpart in its weights: names of activations, the size of its input.
SPARE_ITEMS, SPARE_SIZE = 64, 4096
# Classifiers that ship with the package, one folder per classifier.
BUNDLED = Path(__file__).parent / "bundled"


def find_bundle(source: str | Path) -> Path:
    """Return the bundle of a run folder, a bundle folder, a zip of one, `last`, a run's name or a bundled classifier's.

    A path that exists comes before names. ModelFileError if there is no bundle, or if a name is that of two.
    """
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
        raise no_such_run(str(source), bundled_names(), list_models())
    if run.recipe.is_file():
        raise ModelFileError(
            f"{shown}: this run has no classifier yet: finish it with `convscope train --resume {shown}`"
        )
    raise ModelFileError(f"{shown}: not a run folder and not a bundle ({CONFIG} is missing)")


def is_bundle(source: str | Path) -> bool:
    """Return whether `find_bundle` finds a classifier there."""
    with contextlib.suppress(ModelFileError, OSError, ValueError):
        return bool(find_bundle(source))
    return False


def bundled_names() -> list[str]:
    """Return the names of the classifiers that ship with the package."""
    return sorted(path.parent.name for path in BUNDLED.glob(f"*/{CONFIG}"))


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


def write_bundle(
    folder: Path, network: nn.Module, config: dict[str, Any], files: dict[str, bytes] | None = None
) -> None:
    """Write the bundle `folder`, with `files`, in place of an older one; OutputError if something else is there."""
    if folder.exists() and not (folder / CONFIG).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{printable(folder)} exists and is no bundle: choose another folder")

    if is_own(config["architecture"]):
        config = config | {"probe": _probe(network, config)}

    def write(target: Path) -> None:
        weights = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
        (target / WEIGHTS).write_bytes(safetensors.torch.save(weights, {"format": "pt"}))
        (target / LABELS).write_text(labels_text(config["label_names"]), encoding="utf-8")
        (target / CARD).write_text(_card(network, config), encoding="utf-8")
        for name, content in (files or {}).items():
            (target / name).write_bytes(content)
        (target / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")

    write_folder_atomically(folder, write)


def read_bundle(bundle: Path, weights: str = WEIGHTS, model: Card | None = None) -> tuple[nn.Module, dict[str, Any]]:
    """Return the network, in evaluation mode, and the checked configuration.

    `weights` names another file of the bundle to take the weights from. `model` is the card of a person's own network,
    whose code no bundle holds. ModelFileError for anything that is missing, damaged or does not fit.
    """
    shown = printable(bundle)
    config = read_config(bundle)
    _check_model(config["architecture"], model, shown)
    _check_size_of_arguments(config["model_args"], tensor_shapes(bundle, weights), f"{shown}: {CONFIG}")
    with torch.device("meta" if model is None else "cpu"):  # own code need not run without memory
        expected = _build(config, shown, model).state_dict()
    needed = sum(t.numel() * t.element_size() for t in expected.values())
    # Names and offsets take room as well; a file far larger than that is not this network's.
    content = read_part(bundle, weights, limit=needed + 1000 * len(expected) + 1_000_000)
    try:
        tensors = safetensors.torch.load(content)
    except (SafetensorError, ValueError, KeyError, TypeError, OverflowError, RuntimeError) as problem:
        raise ModelFileError(
            f"{shown}: {weights} is damaged or no safetensors file ({printable(problem)[:100]})"
        ) from problem
    check_tensors(tensors, expected, f"{shown}: {weights}", config["architecture"])
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise ModelFileError(
                f"{shown}: {weights} has numbers in '{name}' that are not finite: train or copy it anew"
            )
    network = _build(config, shown, model)
    network.load_state_dict(tensors)
    if weights == WEIGHTS and model is not None and not agree(_probe(network, config), config.get("probe")):
        raise ModelFileError(
            f"{shown}: {model.name} has the weights that were saved, but gives other answers with them than then: its "
            "code has changed"
        )
    return network.eval(), config


def _probe(network: nn.Module, config: dict[str, Any]) -> list[float] | None:
    preprocess = Preprocess.from_dict(config["preprocessing"])
    device = next(iter([*network.parameters(), *network.buffers()])).device
    return probe(network, preprocess.normalize(probe_pixels(preprocess.input_size).to(device)))


def check_tensors(tensors: dict[str, Tensor], expected: dict[str, Tensor], where: str, network: str) -> None:
    """Raise ModelFileError unless `tensors` has exactly the names, shapes and types of `expected`."""
    if missing := sorted(set(expected) - set(tensors)):
        raise ModelFileError(f"{where} does not fit {network}: '{printable(missing[0])}' is missing")
    if extra := sorted(set(tensors) - set(expected)):
        raise ModelFileError(f"{where} does not fit {network}: '{printable(extra[0])}' is not one of its weights")
    for name, tensor in expected.items():
        got = tensors[name]
        if got.shape != tensor.shape or got.dtype != tensor.dtype:
            raise ModelFileError(
                f"{where} does not fit {network}: '{name}' is {list(got.shape)} {got.dtype}, "
                f"not {list(tensor.shape)} {tensor.dtype}"
            )


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


def _check_model(architecture: str, model: Card | None, shown: str) -> None:
    """Raise ModelFileError if a person's own network is needed and not given, or given for one of the catalogue."""
    if model is None and is_own(architecture):
        raise needs_class(architecture, shown)
    if model is not None and not is_own(architecture):
        raise ModelFileError(f"{shown} is a {printable(architecture)}, no network of one's own: leave --model out")


def _build(config: dict[str, Any], shown: str, model: Card | None = None) -> nn.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return create_model(model or config["architecture"], **config["model_args"])
    except (ConvScopeError, RuntimeError, TypeError, ValueError, OverflowError, MemoryError) as problem:
        raise ModelFileError(f"{shown}: {printable(problem)[:200]}") from problem


def _check_size_of_arguments(arguments: dict[str, Any], shapes: list[list[int]], where: str) -> None:
    """Raise ModelFileError if the arguments ask for far more layers or widths than the weights have.

    Building such a network, even without memory for its weights, could take for ever.
    """
    most_items = len(shapes) + SPARE_ITEMS
    largest = max([SPARE_SIZE, *(length for shape in shapes for length in shape)])
    pending, items = list(arguments.items()), 0
    while pending:
        name, value = pending.pop()
        items += 1
        if isinstance(value, dict):
            pending += [(name, item) for item in value.values()]
        elif isinstance(value, list):
            pending += [(name, item) for item in value]
        elif isinstance(value, int | float) and not abs(value) <= largest:
            raise ModelFileError(f"{where}: {printable(name)} is {value}, far more than the weights have")
        elif isinstance(value, str) and len(value) > SPARE_SIZE:
            raise ModelFileError(f"{where}: {printable(name)} is a text of {len(value):,} characters")
        if items + len(pending) > most_items:
            raise ModelFileError(f"{where}: {printable(name)} asks for far more layers than the weights have")


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
    if version != FORMAT_VERSION:
        raise ModelFileError(
            f"{shown}: format version {version!r}, this program reads {FORMAT_VERSION}: update convscope"
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
    preprocess = Preprocess.from_dict(config["preprocessing"])
    if not config.get("num_classes") == args.get("num_classes") == len(labels):
        raise ModelFileError(f"{shown}: num_classes and the number of label_names differ")
    if args.get("in_channels") != preprocess.input_size[0]:
        raise ModelFileError(f"{shown}: in_channels and the preprocessing's input_size differ")
    return config


def _card(network: nn.Module, config: dict[str, Any]) -> str:
    labels = config["label_names"]
    names = ", ".join(map(printable, labels[:20])) + (", ..." if len(labels) > 20 else "")
    measured = "".join(
        f"- {split}: {name} {figures[key]:.2%} on {figures['n']:,} images\n"
        for split, figures in config["metrics"].items()
        for key, name in (("top1", "top-1 accuracy"), ("map", "mean average precision"))
        if isinstance(figures, dict) and key in figures
    )
    parameters = sum(p.numel() for p in network.parameters())
    shape = " x ".join(map(str, config["pretrained_cfg"]["input_size"]))
    padding = Preprocess.from_dict(config["preprocessing"]).padding
    if padding:
        measured = f"{padding[0].upper()}{padding[1:]}.\n\n{measured}"
    return (
        f"---\nlibrary_name: convscope\npipeline_tag: image-classification\n---\n\n# {config['architecture']}\n\n"
        f"An image classifier with {len(labels)} classes ({names}), {parameters:,} parameters, input {shape}.\n\n"
        f"{measured}\n"
        '```python\nimport convscope as cs\n\ncs.load("this folder").predict("image.png", topk=3)\n```\n'
    )
