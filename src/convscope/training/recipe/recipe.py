"""A recipe: the options of one training, checked, written to and read from YAML."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ...choices import CLASSICAL_HEADS
from ...data.augment import parse_augment
from ...data.sources.interpretation import INTERPRETATION_OPTIONS
from ...errors import UsageError, printable
from ...suggest import did_you_mean
from .optimizer_defaults import suited_settings
from .options import DEFAULTS, OPTIONS, TrainingOptions, checked

if TYPE_CHECKING:
    from importlib.abc import Traversable

# What makes a run this run: `--resume` can change everything else.
IDENTITY = tuple(name for name, option in OPTIONS.items() if option.identity)


@dataclass(frozen=True, init=False)
class Recipe(TrainingOptions):
    """Everything that decides a training. Every field is an option of `convscope train`, whose `--help` describes it.

    The fields are declared in `training/options.py`. Without `epochs` a training has as many as `time_budget` allows
    (in seconds, or text such as "10m"), or, without that either, as many as it takes to show about `images_shown`
    images. Rate, momentum, weight decay and schedule default to those that suit the optimizer. UsageError for an
    unknown field, and for a value of the wrong type, out of range, or at odds with another.
    """

    def __init__(self, **fields: Any) -> None:
        _require_known(fields)
        values = {**DEFAULTS, **suited_settings(fields), **fields}
        for name in OPTIONS:
            object.__setattr__(self, name, checked(name, values[name]))
        self._require_consistent()

    def _require_consistent(self) -> None:
        """Raise UsageError for a field that is at odds with another."""
        if self.nesterov and not self.momentum:
            raise UsageError("nesterov needs a momentum above 0")
        if self.nesterov and self.optimizer != "sgd":
            raise UsageError("nesterov goes with optimizer sgd")
        if len(begun := [name for name in ("pretrained", "weights", "from_run") if getattr(self, name)]) > 1:
            raise UsageError(
                f"{' and '.join(begun)} exclude each other: start from public weights, from a file or from a run"
            )
        if self.features and self.head == "own":
            raise UsageError(
                f"features are for a classical head: set head to {' or '.join(CLASSICAL_HEADS)}, or leave features out"
            )
        if self.patience and self.validation == "none":
            raise UsageError("patience needs validation images, and validation none holds none out: leave one out")
        if self.batch_size == 1 and (self.mixup or self.cutmix):
            raise UsageError(
                "mixup and cutmix mix the images of a batch: give --batch-size 2 or more, or leave them out"
            )
        if self.shard_weights and (others := self._at_odds_with_shards()):
            raise UsageError(
                f"shard_weights divides all layers alike, and {others[0]} does not go with it: leave one of them out"
            )
        if self.augment != "auto":
            parse_augment(self.augment)

    def _at_odds_with_shards(self) -> list[str]:
        """Return what needs whole weights, or treats some of them in another way."""
        found = {
            f"optimizer {self.optimizer}": self.optimizer == "muon", "ema_decay": self.ema_decay,
            "freeze": self.freeze, "freeze_epochs": self.freeze_epochs, "unfreeze_epochs": self.unfreeze_epochs,
            "body_lr_factor": self.body_lr_factor != 1, f"head {self.head}": self.head != "own",
            "compile": self.compile, "layout channels-last": self.layout == "channels-last",
        }  # fmt: skip
        return [name for name, given in found.items() if given]

    @property
    def total_epochs(self) -> float:
        """The largest number of epochs; infinite if only the time limits the training."""
        return self.epochs or math.inf

    @property
    def interpretation(self) -> dict[str, Any]:
        """The options of `load_data` that say how the data is understood where there are two ways."""
        return {name: getattr(self, name) for name in (*INTERPRETATION_OPTIONS, "group_by", "exclude")}

    def with_epochs_for(self, images: int, most: int = 100) -> Recipe:
        """Return a copy with a number of epochs for `images` training images, unless epochs or a time are set.

        As many epochs as show `images_shown` images in all, but at least 4 and at most `most`.
        """
        if self.epochs or self.time_budget:
            return self
        return replace(self, epochs=min(max(round(self.images_shown / images), 4), most))

    def changed(self, /, **values: Any) -> Recipe:
        """Return a copy with some fields changed; UsageError for an unknown name (with the nearest) or a wrong value.

        `model_args` belong to a network: another `model` starts without any unless they are given too. Rate, momentum,
        weight decay and schedule belong to an optimizer: another `optimizer` brings those that suit it.
        """
        _require_known(values)
        if values.get("model", self.model) != self.model:
            values = {"model_args": {}, **values}
        if values.get("optimizer", self.optimizer) != self.optimizer:
            values = {**suited_settings(values), **values}
        return replace(self, **values)

    def to_yaml(self) -> str:
        """Return YAML text with every field."""
        return yaml.safe_dump(asdict(self), sort_keys=False, allow_unicode=True)

    @classmethod
    def from_yaml(cls, text: str, where: str = "recipe") -> Recipe:
        """Make a recipe of YAML text with some of the fields; UsageError, which names `where`, for anything else."""
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
        """Load a YAML file, or a recipe that ships with the package, such as `fast`, `best` or `transfer`.

        `fast` and `best` exist once per `kind` of data ("digits", "photos", "few-photos").
        """
        name = os.fspath(source)
        shipped = files(__package__) / "shipped"
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
        """Load a YAML file; UsageError, which calls it `name`, if it cannot be read."""
        try:
            return cls.from_yaml(path.read_text(encoding="utf-8"), printable(name))
        except (OSError, UnicodeDecodeError) as problem:
            raise UsageError(
                f"cannot read the recipe {printable(name)}: give a YAML file, or one of: {', '.join(shipped_recipes())}"
            ) from problem


def _require_known(names: Iterable[str]) -> None:
    """Raise UsageError for a name that is no field, with the nearest that is."""
    for name in names:
        if name not in OPTIONS:
            hint = did_you_mean(name, OPTIONS, "`convscope train --help` lists them", most=1)
            raise UsageError(f"unknown recipe field '{printable(name)}': {hint}")


def shipped_recipes() -> list[str]:
    """Return the names of the recipes that ship with the package."""
    return sorted(entry.name.removesuffix(".yaml") for entry in (files(__package__) / "shipped").iterdir())
