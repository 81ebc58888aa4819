"""The bundle, a classifier on disk: `config.json`, `model.safetensors`, `labels.txt` and a model card.

A bundle from a stranger is safe to open: it holds no pickle and nothing in it is executed. Names are checked, sizes
against what the network needs before anything is read, and every tensor must have the expected name, shape and type.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from .bundle_config import CONFIG, WEIGHTS, read_config
from .bundle_file import read_part, tensor_shapes
from .data.preprocess import Preprocess
from .errors import ConvScopeError, ModelFileError, OutputError, printable
from .files import write_folder_atomically
from .models import Card, create_model
from .models.own import is_own
from .models.own.probe import agree, probe, probe_pixels
from .models.own.source import needs_class
from .run_folder import LABELS, labels_text

CARD = "README.md"
# Arguments of a network that have no counterpart in its weights: names of activations, the size of its input.
SPARE_ITEMS, SPARE_SIZE = 64, 4096


def write_bundle(
    folder: Path,
    network: nn.Module,
    config: dict[str, Any],
    files: dict[str, bytes] | None = None,
    trained_on: str | None = None,
) -> None:
    """Write the bundle `folder`, with `files`, in place of an older one; OutputError if something else is there.

    The model card says what it was `trained_on`.
    """
    if folder.exists() and not (folder / CONFIG).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{printable(folder)} exists and is no bundle: choose another folder")

    if is_own(config["architecture"]):
        config = config | {"probe": _probe(network, config)}

    def write(target: Path) -> None:
        weights = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
        (target / WEIGHTS).write_bytes(safetensors.torch.save(weights, {"format": "pt"}))
        (target / LABELS).write_text(labels_text(config["label_names"]), encoding="utf-8")
        (target / CARD).write_text(_card(network, config, trained_on), encoding="utf-8")
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
    if weights != WEIGHTS:  # snapshots may be stored in half precision
        tensors = {name: tensor.float() if tensor.dtype == torch.half else tensor for name, tensor in tensors.items()}
    check_tensors(tensors, expected, f"{shown}: {weights}", config["architecture"])
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise ModelFileError(
                f"{shown}: {weights} has numbers in '{name}' that are not finite: train or copy it again"
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


def _card(network: nn.Module, config: dict[str, Any], trained_on: str | None) -> str:
    """Return the model card: figures, data, licence, intended use. Its head is what the Hugging Face hub reads."""
    labels = config["label_names"]
    names = ", ".join(map(printable, labels[:20])) + (", ..." if len(labels) > 20 else "")
    parameters = sum(p.numel() for p in network.parameters())
    shape = " x ".join(map(str, config["pretrained_cfg"]["input_size"]))
    padding = Preprocess.from_dict(config["preprocessing"]).padding
    padded = f"\n{padding[0].upper()}{padding[1:]}.\n" if padding else ""
    head = "library_name: convscope\npipeline_tag: image-classification\nlicense: unknown"
    data = f"Trained on {printable(trained_on)}." if trained_on else "Not stated."
    return (
        f"---\n{head}\n---\n\n# {config['architecture']}\n\n"
        f"An image classifier with {len(labels)} classes ({names}), {parameters:,} parameters, input {shape}.\n"
        f"{padded}\n"
        f"## Figures\n\n{_measured(config['metrics']) or 'None were measured.'}\n\n"
        f"## Data\n\n{data}\n\n"
        "## Licence\n\nNot stated: whoever publishes it names one here and as `license` above.\n\n"
        f"## Intended use\n\nImages like those it was trained on, of one of its classes. {_limits(config)} Measure "
        "it on images of your own before you rely on it.\n\n"
        '```python\nimport convscope as cs\n\ncs.load("this folder").predict("image.png", topk=3)\n```\n'
    )


def _measured(metrics: dict[str, Any]) -> str:
    return "\n".join(
        f"- {split}: {name} {figures[key]:.2%} on {figures['n']:,} images"
        for split, figures in metrics.items()
        for key, name in (("top1", "top-1 accuracy"), ("map", "mean average precision"))
        if isinstance(figures, dict) and key in figures
    )


def _limits(config: dict[str, Any]) -> str:
    stored = config.get("abstention") or {}  # with too few validation images only the note that says so
    ways = [
        *(["close to no class"] if stored.get("familiar") else []),
        *(["between two"] if config.get("threshold") else []),
    ]
    if ways:
        return f'It says "unknown" of pictures that are {", or ".join(ways)}.'
    return "It names one of its classes whatever the picture shows."
