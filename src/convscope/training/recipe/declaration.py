"""How an option of a training is declared as a dataclass field, and how its values are checked."""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Union, get_args, get_origin

from ...errors import UsageError, printable


class Panel(str, Enum):
    """The groups in which `convscope train --help` lists the options, in this order."""

    MOST_USED = "Most used"
    DATA = "Data"
    NETWORK = "Network"
    TRANSFER = "Transfer learning"
    DURATION = "Duration and choice of the best epoch"
    OPTIMISATION = "Optimisation"
    AUGMENTATION = "Augmentation"
    HARDWARE = "Hardware and speed"
    OUTPUT = "Run and output"


EXPECTED = {bool: "true or false", int: "a whole number", float: "a number", str: "text", dict: "names with values"}


@dataclass(frozen=True)
class Option:
    """What an option accepts and what `--help` says of it; its type and default are those of the field.

    `limits` are the smallest and the largest value. `flag` is the option's name where it is not that of the field.
    `convert` turns text (or a list of texts) into a value; it gets the option's name for its error message. An
    `identity` option makes the run what it is: `--resume` cannot change it. `by_recipe` says that shipped recipes set
    it, so that `--help` shows no default. `positional` options are given without a name.
    """

    panel: Panel
    help: str
    limits: tuple[float, float] | None = None
    choices: tuple[Any, ...] = ()
    metavar: str | None = None
    flag: str | None = None
    convert: Callable[[str, Any], Any] | None = None
    identity: bool = False
    by_recipe: bool = False
    positional: bool = False


def option(default: Any, panel: Panel, help: str, **settings: Any) -> Any:
    """Declare a dataclass field with a default and an `Option`."""
    metadata = {"option": Option(panel, help, **settings)}
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def seconds(name: str, text: str) -> float:
    """`90`, `90s`, `1.5m` or `2h` -> seconds."""
    units = {"s": 1.0, "m": 60.0, "h": 3600.0}
    number, unit = (text[:-1], units[text[-1]]) if text[-1:] in units else (text, 1.0)
    try:
        duration = float(number) * unit
    except ValueError:
        duration = math.nan
    if not 0 < duration < math.inf:
        raise _wrong(name, text, "a time such as 30s, 10m or 1h")
    return duration


def named_values(name: str, pairs: list[str]) -> dict[str, Any]:
    """`["hidden=[300]", "activation=gelu"]` -> a dictionary; values are read as YAML."""
    import yaml

    values = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise _wrong(name, pair, "NAME=VALUE")
        try:
            values[key] = yaml.safe_load(value)
        except yaml.YAMLError as problem:
            raise UsageError(f"{name} {printable(key)}: cannot read {printable(repr(value))}") from problem
    return values


def plain_type(hint: Any) -> type:
    """Return the type that a field's hint names: `int` for `int | None`, `dict` for `dict[str, Any]`."""
    kind = get_args(hint)[0] if get_origin(hint) in (types.UnionType, Union) else hint
    return get_origin(kind) or kind


def check_value(name: str, value: Any, hint: Any, declared: Option) -> Any:
    """Return `value` in the type that `hint` names; UsageError, which calls the option `name`, if it is wrong."""
    if value is None and type(None) in get_args(hint):
        return None
    if declared.convert is not None and isinstance(value, str | list):
        value = declared.convert(name, value)
    value = _as_type(name, value, plain_type(hint))
    if declared.choices and value not in declared.choices:
        raise _wrong(name, value, f"one of {', '.join(map(str, declared.choices))}")
    if declared.limits and not declared.limits[0] <= value <= declared.limits[1]:
        raise _wrong(name, value, f"from {_number(declared.limits[0])} to {_number(declared.limits[1])}")
    return value


def _as_type(name: str, value: Any, kind: type) -> Any:
    if kind is float and isinstance(value, int | float | str) and not isinstance(value, bool):
        # YAML reads 1e-3 (without a point) as text.
        try:
            return float(value)
        except ValueError:
            raise _wrong(name, value, "a number") from None
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if kind is dict and isinstance(value, dict):
        return {str(key): item for key, item in value.items()}
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        raise _wrong(name, value, EXPECTED[kind])
    return value


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"


def _wrong(name: str, value: Any, expected: str) -> UsageError:
    return UsageError(f"{name} must be {expected}, not {printable(repr(value))}")
