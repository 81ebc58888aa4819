"""A classifier on disk: `config.json`, `model.safetensors`, `labels.txt` and a model card. No pickle, nothing runs.

Whoever gets a bundle from somebody else may open it: names are checked, sizes are checked against what the network
needs before they are read, and every tensor must have its place, shape and type.
"""

from __future__ import annotations

import contextlib
import json
import stat
import warnings
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from .data.preprocess import Preprocess
from .errors import ConvScopeError, ModelFileError, OutputError, printable
from .files import restore_folder, write_folder_atomically
from .models import create_model

FORMAT_VERSION = 1
CONFIG, WEIGHTS, LABELS, CARD = "config.json", "model.safetensors", "labels.txt", "README.md"
MAX_CONFIG_BYTES = 16_000_000
# Classifiers that ship with the package, a folder each.
BUNDLED = Path(__file__).parent / "bundled"
# Where a run keeps the weights of its epochs.
SNAPSHOT_FOLDER = Path("checkpoints") / "snapshots"
SNAPSHOT = "epoch-{:04d}.safetensors"


def find_bundle(source: str | Path) -> Path:
    """The bundle behind a run folder, a bundle folder, a zip of one, `last`, or the name of a bundled classifier.

    Raises ModelFileError if there is none. What lies at that path comes before a bundled classifier of that name.
    """
    path = newest_run(Path("runs")) if str(source) == "last" else Path(source)
    shown = printable(path)
    if not path.exists() and str(source) in bundled_names():
        return BUNDLED / str(source)
    for folder in (path, path / "classifier"):
        with contextlib.suppress(OSError):
            restore_folder(folder)
    if (path / "classifier" / CONFIG).is_file():
        return path / "classifier"
    if (path / CONFIG).is_file() or zipfile.is_zipfile(path):
        return path
    if not path.exists():
        bundled = f", or a bundled one ({', '.join(bundled_names())})" if bundled_names() else ""
        raise ModelFileError(
            f"{shown}: no such run or bundle: give a folder that `convscope train` printed, or `last`{bundled}"
        )
    if (path / "recipe.yaml").is_file():
        raise ModelFileError(
            f"{shown}: this run has no classifier yet: finish it with `convscope train --resume {shown}`"
        )
    raise ModelFileError(f"{shown}: not a run folder and not a bundle ({CONFIG} is missing)")


def bundled_names() -> list[str]:
    """The names of the classifiers that ship with the package."""
    return sorted(path.parent.name for path in BUNDLED.glob(f"*/{CONFIG}"))


def snapshot_name(epoch: int) -> str:
    """The file of an epoch's weights in a folder of snapshots, which also has a `config.json`."""
    return SNAPSHOT.format(epoch)


def snapshot_epochs(folder: Path) -> list[int]:
    """The epochs that such a folder holds, ascending; 0 stands for the first random weights."""
    if not (folder / CONFIG).is_file():
        return []
    numbers = (path.name[6:-12] for path in folder.glob("epoch-*.safetensors"))
    return sorted(int(number) for number in numbers if number.isascii() and number.isdigit())


def newest_run(folder: Path, part: str = f"classifier/{CONFIG}") -> Path:
    """The run below `folder` whose `part` is the youngest; ModelFileError if no run has one."""
    depth = len(PurePosixPath(part).parts)
    runs = sorted(folder.glob(f"*/*/{part}"), key=lambda path: path.stat().st_mtime)
    if not runs:
        raise ModelFileError("no run below the current directory: train one with `convscope train`, or name a folder")
    return runs[-1].parents[depth - 1]


def make_config(
    architecture: str,
    model_args: dict[str, Any],
    class_names: list[str],
    preprocess: Preprocess,
    metrics: dict[str, Any],
) -> dict[str, Any]:
    """What `config.json` holds, with the keys of timm and Hugging Face where they have one."""
    return {
        "architecture": architecture,
        "num_classes": len(class_names),
        "label_names": class_names,
        # Where a network was placed is no part of it: on another machine there may be other devices.
        "model_args": {key: value for key, value in model_args.items() if key != "devices"},
        # For readers that know timm's keys; ours is `preprocessing`, which also has what timm has no word for.
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
        "temperature": 1.0,
        "threshold": 0.0,
        "metrics": metrics,
    }


def write_bundle(folder: Path, network: nn.Module, config: dict[str, Any]) -> None:
    """Write all parts of `folder` at once; an older bundle there is replaced as a whole, anything else is refused."""
    if folder.exists() and not (folder / CONFIG).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{printable(folder)} exists and is no bundle: choose another place")

    def write(place: Path) -> None:
        weights = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
        (place / WEIGHTS).write_bytes(safetensors.torch.save(weights, {"format": "pt"}))
        labels = "".join(f"{printable(label)}\n" for label in config["label_names"])
        (place / LABELS).write_text(labels, encoding="utf-8")
        (place / CARD).write_text(_card(network, config), encoding="utf-8")
        (place / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")

    write_folder_atomically(folder, write)


def read_bundle(bundle: Path, weights: str = WEIGHTS) -> tuple[nn.Module, dict[str, Any]]:
    """The network with its weights (those of another file of the bundle, if named), and the checked configuration.

    The network is in evaluation mode.
    """
    shown = printable(bundle)
    config = _read_config(bundle)
    with torch.device("meta"):
        expected = _build(config, shown).state_dict()
    needed = sum(t.numel() * t.element_size() for t in expected.values())
    # Names and offsets take room as well; far more than that is not this network's file.
    content = _read_part(bundle, weights, limit=needed + 1000 * len(expected) + 1_000_000)
    try:
        tensors = safetensors.torch.load(content)
    except (SafetensorError, ValueError, KeyError, TypeError, OverflowError, RuntimeError) as problem:
        raise ModelFileError(
            f"{shown}: {weights} is damaged or no safetensors file ({printable(problem)[:100]})"
        ) from problem
    check_tensors(tensors, expected, f"{shown}: {weights}", config["architecture"])
    network = _build(config, shown)
    network.load_state_dict(tensors)
    return network.eval(), config


def check_tensors(tensors: dict[str, Tensor], expected: dict[str, Tensor], where: str, network: str) -> None:
    """ModelFileError unless `tensors` has exactly the names, shapes and types of `expected`."""
    if missing := sorted(set(expected) - set(tensors)):
        raise ModelFileError(f"{where} does not fit {network}: '{printable(missing[0])}' is missing")
    if extra := sorted(set(tensors) - set(expected)):
        raise ModelFileError(f"{where} does not fit {network}: it has '{printable(extra[0])}' too many")
    for name, tensor in expected.items():
        got = tensors[name]
        if got.shape != tensor.shape or got.dtype != tensor.dtype:
            raise ModelFileError(
                f"{where} does not fit {network}: '{name}' is {list(got.shape)} {got.dtype}, "
                f"not {list(tensor.shape)} {tensor.dtype}"
            )


def _build(config: dict[str, Any], shown: str) -> nn.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return create_model(config["architecture"], **config["model_args"])
    except (ConvScopeError, RuntimeError, TypeError, ValueError, OverflowError, MemoryError) as problem:
        raise ModelFileError(f"{shown}: {printable(problem)[:200]}") from problem


def _read_config(bundle: Path) -> dict[str, Any]:
    shown = f"{printable(bundle)}: {CONFIG}"
    try:
        config = json.loads(_read_part(bundle, CONFIG, MAX_CONFIG_BYTES))
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
    if not isinstance(labels, list) or len(labels) < 2 or not all(isinstance(label, str) for label in labels):
        raise ModelFileError(f"{shown}: label_names must be a list of at least two names")
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


def _read_part(bundle: Path, name: str, limit: int) -> bytes:
    shown = printable(bundle)
    try:
        if bundle.is_dir():
            path = bundle / name
            if path.is_symlink() or (path.exists() and not path.is_file()):
                raise ModelFileError(f"{shown}: {name} is a link or no regular file: not opened")
            if path.stat().st_size > limit:
                raise ModelFileError(
                    f"{shown}: {name} has {path.stat().st_size:,} bytes, far more than this network needs"
                )
            return path.read_bytes()
        with zipfile.ZipFile(bundle) as archive:
            member = _member(archive, name, shown)
            if member.file_size > limit:
                raise ModelFileError(
                    f"{shown}: {name} has {member.file_size:,} bytes, far more than this network needs"
                )
            with archive.open(member) as file:
                return file.read(limit + 1)
    except (FileNotFoundError, KeyError) as problem:
        raise ModelFileError(f"{shown}: {name} is missing: the bundle is incomplete") from problem
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as problem:
        raise ModelFileError(f"{shown}: {name} cannot be read ({printable(problem)[:100]})") from problem


def _member(archive: zipfile.ZipFile, name: str, shown: str) -> zipfile.ZipInfo:
    found = []
    for info in archive.infolist():
        path = PurePosixPath(info.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[0] or stat.S_ISLNK(info.external_attr >> 16):
            raise ModelFileError(
                f"{shown}: '{printable(info.filename)}' is a link or leads out of the bundle: not opened"
            )
        # The parts lie at the top, or in the one folder that packing a folder makes.
        if path.name == name and len(path.parts) <= 2:
            found.append(info)
    if not found:
        raise KeyError(name)
    return min(found, key=lambda info: len(PurePosixPath(info.filename).parts))


def _card(network: nn.Module, config: dict[str, Any]) -> str:
    labels = config["label_names"]
    names = ", ".join(map(printable, labels[:20])) + (", ..." if len(labels) > 20 else "")
    measured = "".join(
        f"- {split}: {figures['top1']:.2%} of {figures['n']:,} images right\n"
        for split, figures in config["metrics"].items()
        if isinstance(figures, dict) and "top1" in figures
    )
    parameters = sum(p.numel() for p in network.parameters())
    shape = " x ".join(map(str, config["pretrained_cfg"]["input_size"]))
    return (
        f"---\nlibrary_name: convscope\npipeline_tag: image-classification\n---\n\n# {config['architecture']}\n\n"
        f"An image classifier with {len(labels)} classes ({names}), {parameters:,} parameters, input {shape}.\n\n"
        f"{measured}\n"
        '```python\nimport convscope as cs\n\ncs.load("this folder").predict("image.png", topk=3)\n```\n'
    )
