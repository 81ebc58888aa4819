"""What to do in a training: one dataclass, written to and read from YAML."""

from __future__ import annotations

import difflib
import math
import os
import types
from dataclasses import asdict, dataclass, field, fields, replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

import yaml

from ..data.augment import parse_augment
from ..data.preprocess import CROP_MODES
from ..data.sampler import ORDERS
from ..errors import UsageError, printable
from ..evaluation.tta import VIEWS
from ..models.tools.classical_head import HEADS
from .runtime import LAYOUTS, PRECISIONS
from .schedule import SCHEDULES

if TYPE_CHECKING:
    from importlib.abc import Traversable

CHOICES: dict[str, tuple[str, ...]] = {
    "optimizer": ("sgd", "adamw", "muon"),
    "schedule": tuple(SCHEDULES),
    "monitor": ("val/loss", "val/top1"),
    "precision": PRECISIONS,
    "layout": LAYOUTS,
    "crop_mode": CROP_MODES,
    "tta": tuple(VIEWS),
    "class_weights": ("none", "balanced"),
    "sampler": tuple(ORDERS),
    "head": ("own", *HEADS),
}
# Smallest and largest value that can be meant.
RANGES: dict[str, tuple[float, float]] = {
    "epochs": (1, 1_000_000), "time_budget": (0.1, 1e9), "batch_size": (1, 1_000_000), "lr": (1e-12, 1e4),
    "adam_lr": (1e-12, 1e4),
    "momentum": (0, 0.9999), "weight_decay": (0, 10), "warmup_epochs": (0, 1e6), "label_smoothing": (0, 0.9999),
    "patience": (1, 1_000_000), "seed": (0, 2**31 - 1), "img_size": (1, 4096), "in_channels": (1, 3),
    "images_shown": (1, 1e12), "mixup": (0, 100), "cutmix": (0, 100), "ema_decay": (0, 0.99999),
    "workers": (1, 1024), "freeze_epochs": (0, 1_000_000),
    "unfreeze_epochs": (0, 1_000_000), "body_lr_factor": (0, 1), "superpixels": (0, 100_000),
}  # fmt: skip
# What makes a run this run: `--resume` may change anything else.
IDENTITY = (
    "model", "model_args", "pretrained", "from_run", "freeze", "freeze_epochs", "unfreeze_epochs",
    "body_lr_factor", "data", "img_size",
    "in_channels", "crop_mode", "superpixels",
)  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training. Every field is also an option of `convscope train`.

    Without `epochs` a training has as many as `time_budget` allows (seconds of the whole command, from reading the
    data to the report), or, without that either, as many as it takes to show about `images_shown` images. `augment` is
    "auto" (what suits the data) or a list such as "flip,shift=2" (see `data.augment`); `mixup` and `cutmix` are their
    alphas. With `ema_decay` the classifier is the exponential moving average of the weights, by that factor a step.
    `img_size` and `in_channels` default to what the network and the data have. `pretrained` starts from public ImageNet
    weights, `from_run` from those of an earlier run or bundle. With `freeze` the head alone learns, with
    `freeze_epochs` for so many epochs, and over `unfreeze_epochs` the body follows, its last layers first;
    `body_lr_factor` is the body's rate by the head's. `class_weights` "balanced"
    lets every class count alike in the loss, `sampler` "balanced" shows as many images of each. `monitor` decides which
    epoch's weights become the classifier, and with `patience` when to stop: after that many epochs without improvement.
    `weight_decay` spares biases and norms. `compile` runs the network through torch.compile (and CUDA graphs). With
    `progressive` the images are smaller at first. `adam_lr` is the rate of what the optimizer `muon` leaves to AdamW.
    `tta` adds test-time augmentation, reported apart. With a classical `head` (svm, logistic, knn or tree) scikit-learn
    learns to answer from the trained network's features, taken behind the layers `features` (names with commas between
    them; default: what goes into the last layer). `superpixels` flattens images to so many regions. Decoded images are
    kept in `cache`: "auto" is the user's cache folder, "off" none, anything else a folder; `workers` threads or
    processes decode them (default: one a core).
    """

    model: str = "lenet5"
    data: str = "mnist-5k"
    data_dir: str | None = None
    model_args: dict[str, Any] = field(default_factory=dict)
    pretrained: bool = False
    from_run: str | None = None
    freeze: bool = False
    freeze_epochs: int = 0
    unfreeze_epochs: int = 0
    body_lr_factor: float = 1.0
    epochs: int | None = None
    images_shown: int = 550_000
    time_budget: float | None = None
    batch_size: int = 64
    optimizer: str = "adamw"
    lr: float = 0.003
    adam_lr: float = 0.003
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 0.1
    schedule: str = "one-cycle"
    warmup_epochs: float = 0.0
    label_smoothing: float = 0.0
    augment: str = "auto"
    mixup: float = 0.0
    cutmix: float = 0.0
    class_weights: str = "none"
    sampler: str = "shuffle"
    ema_decay: float = 0.0
    monitor: str = "val/loss"
    patience: int | None = None
    seed: int = 0
    deterministic: bool = False
    device: str = "auto"
    precision: str = "auto"
    layout: str = "auto"
    compile: bool = False
    progressive: bool = False
    img_size: int | None = None
    in_channels: int | None = None
    crop_mode: str = "center"
    superpixels: int = 0
    tta: str = "none"
    head: str = "own"
    features: str = ""
    cache: str = "auto"
    workers: int | None = None
    tensorboard: bool = False

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(Recipe).items():
            object.__setattr__(self, name, _checked(name, getattr(self, name), kind))
        if self.nesterov and not self.momentum:
            raise UsageError("nesterov needs a momentum above 0")
        if self.optimizer != "sgd" and self.nesterov:
            raise UsageError("nesterov goes with optimizer sgd")
        if self.in_channels == 2:
            raise UsageError("in_channels must be 1 or 3, not 2")
        if self.pretrained and self.from_run:
            raise UsageError("pretrained and from_run exclude each other: start from public weights or from a run")
        if self.features and self.head == "own":
            raise UsageError(f"features are for a classical head: give head {', '.join(HEADS)}, or leave them out")
        if self.augment != "auto":
            parse_augment(self.augment)

    @property
    def total_epochs(self) -> float:
        """How many epochs at most; infinite if only the time counts."""
        return self.epochs or math.inf

    def suited_to(self, images: int, most: int = 100) -> Recipe:
        """With a number of epochs that suits `images` training images, if neither epochs nor a time were asked for.

        Enough to show `images_shown` images, and between 4 and `most`: few images have to be seen more often.
        """
        if self.epochs or self.time_budget:
            return self
        return replace(self, epochs=min(max(round(self.images_shown / images), 4), most))

    def changed(self, **values: Any) -> Recipe:
        """A copy with some fields changed; UsageError for an unknown name (with the nearest) or value.

        `model_args` belong to a network: with another `model` they are gone unless they are given too.
        """
        known = [f.name for f in fields(self)]
        for name in values:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                raise UsageError(
                    f"unknown recipe field '{printable(name)}'" + (f": did you mean {near[0]}?" if near else "")
                )
        if values.get("model", self.model) != self.model:
            values = {"model_args": {}, **values}
        return replace(self, **values)

    def to_yaml(self) -> str:
        """YAML text with every field."""
        return yaml.safe_dump(asdict(self), sort_keys=False, allow_unicode=True)

    @classmethod
    def from_yaml(cls, text: str, where: str = "recipe") -> Recipe:
        """From YAML text with some of the fields; UsageError, which names `where`, for anything else."""
        try:
            values = yaml.safe_load(text) or {}
        except (yaml.YAMLError, RecursionError) as problem:
            raise UsageError(f"{where}: no valid YAML ({' '.join(printable(problem).split())[:150]})") from problem
        if not isinstance(values, dict):
            raise UsageError(f"{where}: expected lines of `name: value`")
        try:
            return cls().changed(**{str(key): value for key, value in values.items()})
        except UsageError as problem:
            raise UsageError(f"{where}: {problem}") from problem

    @classmethod
    def load(cls, source: str | os.PathLike[str], kind: str | None = None) -> Recipe:
        """A recipe that ships with the package, by name (`tutorial`, `transfer`, `fast`, `best`), or a YAML file.

        `fast` and `best` are different for each `kind` of data ("digits", "photos", "few-photos").
        """
        name = os.fspath(source)
        shipped = files(__package__) / "recipes"
        if name in shipped_recipes():
            if (shipped / name).is_dir():
                kinds = sorted(entry.name.removesuffix(".yaml") for entry in (shipped / name).iterdir())
                if kind not in kinds:
                    raise UsageError(f"the recipe {name} depends on the kind of data: {' or '.join(kinds)}")
                return cls.load_text(shipped / name / f"{kind}.yaml", name)
            return cls.load_text(shipped / f"{name}.yaml", name)
        return cls.load_text(Path(source), name)

    @classmethod
    def load_text(cls, path: Traversable, name: str) -> Recipe:
        """A recipe from a YAML file; UsageError, which says `name`, if it cannot be read."""
        try:
            return cls.from_yaml(path.read_text(encoding="utf-8"), printable(name))
        except (OSError, UnicodeDecodeError) as problem:
            raise UsageError(
                f"cannot read the recipe {printable(name)}: give a YAML file, or one of: {', '.join(shipped_recipes())}"
            ) from problem


def shipped_recipes() -> list[str]:
    """The names of the recipes that ship with the package."""
    return sorted(entry.name.removesuffix(".yaml") for entry in (files(__package__) / "recipes").iterdir())


def _checked(name: str, value: Any, kind: Any) -> Any:
    kinds = get_args(kind) if get_origin(kind) in (types.UnionType, Union) else (kind,)
    if value is None and type(None) in kinds:
        return None
    base = kinds[0]
    if base is float and isinstance(value, int | float | str) and not isinstance(value, bool):
        # YAML reads 1e-3 (without a point) as text.
        try:
            value = float(value)
        except ValueError:
            raise _wrong(name, value, "a number") from None
    if base is int and isinstance(value, float) and value.is_integer():
        value = int(value)
    if get_origin(base) is dict:
        if not isinstance(value, dict):
            raise _wrong(name, value, "names with values")
        return {str(key): item for key, item in value.items()}
    if not isinstance(value, base) or (base is not bool and isinstance(value, bool)):
        words = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
        raise _wrong(name, value, words[base])
    if name in CHOICES and value not in CHOICES[name]:
        raise _wrong(name, value, f"one of {', '.join(CHOICES[name])}")
    if name in RANGES and not RANGES[name][0] <= value <= RANGES[name][1]:
        low, high = RANGES[name]
        raise _wrong(name, value, f"from {low:g} to {high:g}")
    return value


def _wrong(name: str, value: Any, expected: str) -> UsageError:
    return UsageError(f"{name} must be {expected}, not {printable(repr(value))}")
