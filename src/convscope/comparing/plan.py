"""The plan of a comparison: which runs on which data with which seeds, and what they are expected to show.

A plan comes from the command line, or from a YAML file:

    claim: Deeper plain networks are harder to train.    # {en: ..., zh: ...} for both languages
    by: He et al. 2015
    data: cifar10
    seeds: 5
    options: {epochs: 20}                    # of every run, as in a recipe
    runs:
      plain20: {model: plain20}              # a name, and the options by which the runs differ
      resnet20: {model: resnet20}
    figure: test/top1
    expect: [resnet20 > plain20]
    quick: {data: digits, seeds: 3, options: {epochs: 4}}    # settings that take less time; `--setting quick`
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ..errors import UsageError, printable
from ..files import folder_name
from ..models import is_source
from ..suggest import did_you_mean
from ..training.recipe.options import OPTIONS

SETTINGS = ("quick", "full")
TEXTS = ("claim", "by", "note")
FIELDS = ("data", "seeds", "options", "runs", "figure", "expect", "images", "shifts", "minutes")
EXPECTATION = re.compile(
    r"^(?P<first>\S+)\s*(?:(?P<sign>[<>])\s*(?P<second>\S+)(?:\s+by\s+(?P<margin>[\d.]+))?"
    r"|~\s*(?P<equal>\S+)\s+within\s+(?P<within>[\d.]+))$"
)
MAX_SEEDS = 1000


@dataclass(frozen=True)
class Variant:
    """What is compared: a name, and the options of `train` by which it differs (`recipe` among them)."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Expectation:
    """The figure of `first` is larger (`>`) or smaller (`<`) than that of `second`, by at least `margin`.

    With `~` the two differ by at most `margin`.
    """

    first: str
    sign: str
    second: str
    margin: float = 0.0

    def __str__(self) -> str:
        word = "within" if self.sign == "~" else "by"
        return f"{self.first} {self.sign} {self.second}" + (f" {word} {self.margin:g}" if self.margin else "")


@dataclass(frozen=True)
class Plan:
    """A comparison: every variant is trained on `data` once per seed with `options`.

    `figure` is what is compared, such as `test/top1`; empty for the usual one. `images` limits the training images to
    that many, other ones for every seed; `shifts` are distances in pixels by which the test images are moved for
    further figures. `minutes` is how long the comparison is expected to take.
    """

    name: str
    data: str
    variants: tuple[Variant, ...]
    seeds: tuple[int, ...]
    options: dict[str, Any] = field(default_factory=dict)
    figure: str = ""
    expectations: tuple[Expectation, ...] = ()
    images: int = 0
    shifts: tuple[int, ...] = ()
    claim: dict[str, str] = field(default_factory=dict)  # texts in "en" and "zh"
    by: dict[str, str] = field(default_factory=dict)
    note: dict[str, str] = field(default_factory=dict)
    setting: str = ""
    minutes: float | None = None

    def __post_init__(self) -> None:
        names = [variant.name for variant in self.variants]
        if len(names) < 2:
            raise UsageError("a comparison needs two networks or recipes at least: name them with --models A,B")
        if len(set(names)) < len(names) or len({folder_name(name) for name in names}) < len(names):
            raise UsageError(f"two runs have the same name: {', '.join(names)}")
        for expectation in self.expectations:
            for name in (expectation.first, expectation.second):
                if name not in names:
                    raise UsageError(f"expect names '{name}', which is none of the runs {', '.join(names)}")


def plan_of_options(data: str, models: Sequence[str], recipes: Sequence[str], seeds: int, **given: Any) -> Plan:
    """Return the plan of the command line: every model with every recipe."""
    options = dict(given)
    if not models:
        variants = [Variant(recipe, {"recipe": recipe}) for recipe in recipes]
    elif len(recipes) > 1:
        pairs = [(model, recipe) for model in models for recipe in recipes]
        variants = [Variant(f"{model}+{recipe}", {"model": model, "recipe": recipe}) for model, recipe in pairs]
    else:
        variants = [Variant(model, {"model": model}) for model in models]
        options |= {"recipe": recipes[0]} if recipes else {}
    name = folder_name("-".join([*models, *recipes, Path(data).name])[:80])
    return Plan(name, data, tuple(variants), seeds_of(seeds, "--seeds"), options)


def is_plan(source: str) -> bool:
    """Whether this names a YAML file and no data."""
    return Path(source).suffix.lower() in (".yaml", ".yml")


def read_plan(path: Path, setting: str = "") -> Plan:
    """Read a plan, in one of its settings or as it stands; UsageError, in one line, for what is no plan."""
    where = printable(path)
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        raise UsageError(f"cannot read the plan {where}: {problem.__class__.__name__}") from problem
    except (yaml.YAMLError, RecursionError) as problem:
        raise UsageError(f"{where}: no valid YAML ({' '.join(printable(problem).split())[:150]})") from problem
    if not isinstance(values, dict):
        raise UsageError(f"{where}: a plan has lines such as `data: digits` and `runs: {{...}}`")
    _require_known(values, [*TEXTS, *FIELDS, *SETTINGS], where)
    try:
        return _plan(path, values, setting)
    except UsageError as problem:
        raise UsageError(f"{where}: {problem}") from problem


def _plan(path: Path, values: dict[Any, Any], setting: str) -> Plan:
    if setting and not isinstance(values.get(setting), dict):
        raise UsageError(f"it has no setting '{setting}'")
    changed = values[setting] if setting else {}
    _require_known(changed, FIELDS, f"setting {setting}")
    merged = {**values, **changed, "options": _mapping(values, "options") | _mapping(changed, "options")}
    runs = _mapping(merged, "runs")
    variants = [Variant(str(name), _local(_options(options, str(name)), path.parent)) for name, options in runs.items()]
    if not isinstance(merged.get("data"), str):
        raise UsageError("`data` is missing: name a data set or a path")
    expected = merged.get("expect", [])
    return Plan(
        name=path.stem + (f"-{setting}" if setting else ""),
        data=merged["data"],
        variants=tuple(variants),
        seeds=seeds_of(merged.get("seeds", 3), "seeds"),
        options=_local(_options(merged["options"], "options"), path.parent),
        figure=str(merged.get("figure", "")),
        expectations=tuple(expectation(str(text)) for text in ([expected] if isinstance(expected, str) else expected)),
        images=_count(merged.get("images", 0), "images"),
        shifts=tuple(_count(shift, "shifts") for shift in merged.get("shifts", ())),
        **{name: _in_both_languages(merged.get(name), name) for name in TEXTS},
        setting=setting,
        minutes=merged.get("minutes"),
    )


def _in_both_languages(text: Any, name: str) -> dict[str, str]:
    """Return a text as {"en": ..., "zh": ...}; nothing for none."""
    if not text:
        return {}
    texts = text if isinstance(text, dict) else {"en": text, "zh": text}
    if set(texts) != {"en", "zh"}:
        raise UsageError(f"{name}: give one text, or {{en: ..., zh: ...}}")
    return {language: " ".join(str(value).split()) for language, value in texts.items()}


def expectation(text: str) -> Expectation:
    """Read `A > B`, `A < B`, `A > B by 0.02` or `A ~ B within 0.02`."""
    match = EXPECTATION.match(text.strip())
    if match is None:
        raise UsageError(f"expect '{printable(text)}': write `A > B`, `A < B`, `A > B by 0.02` or `A ~ B within 0.02`")
    if match["equal"]:
        return Expectation(match["first"], "~", match["equal"], float(match["within"]))
    return Expectation(match["first"], match["sign"], match["second"], float(match["margin"] or 0))


def seeds_of(value: Any, name: str) -> tuple[int, ...]:
    """Return the seeds: the first N of them, or those of a list."""
    seeds = value if isinstance(value, list) else list(range(_count(value, name)))
    if not seeds or len(seeds) > MAX_SEEDS or not all(isinstance(seed, int) and seed >= 0 for seed in seeds):
        raise UsageError(f"{name}: give a number of seeds from 1 to {MAX_SEEDS}, or a list of them")
    if len(set(seeds)) < len(seeds):
        raise UsageError(f"{name}: a seed is named twice")
    return tuple(seeds)


def _count(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise UsageError(f"{name}: expected a whole number from 0, not {printable(value)}")
    return value


def _mapping(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = values.get(name) or {}
    if not isinstance(found, dict):
        raise UsageError(f"{name}: expected `name: value`, not {printable(found)}")
    return found


def _options(values: Any, name: str) -> dict[str, Any]:
    options = {str(key): value for key, value in _mapping({name: values}, name).items()}
    _require_known(options, [*OPTIONS, "recipe"], name)
    if taken := {"seed", "data"} & set(options):
        raise UsageError(f"{name}: {taken.pop()} belongs to the whole comparison: set it beside `runs`")
    return options


def _local(options: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the options with the file of a network of one's own, and of a recipe, found beside the plan."""
    found = dict(options)
    for name in ("model", "recipe"):
        text = found.get(name)
        if isinstance(text, str) and (is_source(text) or name == "recipe") and (folder / text.split(":")[0]).is_file():
            found[name] = str(folder / text)
    return found


def _require_known(values: Mapping[Any, Any], known: Sequence[str], where: str) -> None:
    for key in values:
        if key not in known:
            hint = did_you_mean(str(key), known, f"it takes {', '.join(known[:12])}", most=1)
            raise UsageError(f"{where}: unknown '{printable(key)}': {hint}")
