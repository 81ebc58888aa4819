"""The options by which every verb that reads a data set is told how its folders, tables and names are meant."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

from ..training.recipe.options import DEFAULTS, checked, value_type
from .parameters import flag_of, recipe_option

DATA_OPTIONS = ("folders", "label_pattern", "label_column", "label_type", "uncertain", "encoding", "kind", "group_by")
Command = Callable[..., None]


def with_data_options(*without: str) -> Callable[[Command], Command]:
    """Give a command, in place of its parameter `interpretation`, these options but `without`.

    It gets a dictionary of those that were typed, checked, as `load_data` takes them.
    """
    names = [name for name in DATA_OPTIONS if name not in without]

    def decorate(command: Command) -> Command:
        own = list(inspect.signature(command, eval_str=True).parameters.values())

        @functools.wraps(command)
        def run(**given: Any) -> None:
            typed = {name: given.pop(name) for name in names}
            chosen = {n: checked(n, value, flag_of(n)) for n, value in typed.items() if value != DEFAULTS[n]}
            command(**given, interpretation=chosen)

        place = next(i for i, parameter in enumerate(own) if parameter.name == "interpretation")
        parameters = [*own[:place], *map(_parameter, names), *own[place + 1 :]]
        parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return run

    return decorate


def _parameter(name: str) -> inspect.Parameter:
    kind: Any = value_type(name) if DEFAULTS[name] is not None else value_type(name) | None
    annotation = Annotated[kind, recipe_option(name)]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=DEFAULTS[name], annotation=annotation)
