"""The options of `convscope train`, made from the fields of a recipe."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

from typer.models import ArgumentInfo

from ..training.recipe.declaration import Panel
from ..training.recipe.options import OPTIONS, checked, value_type
from .parameters import flag_of, recipe_option

PANELS = [panel.value for panel in Panel]


def with_recipe_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option per recipe field in place of its `**options`; it gets those that were typed, checked.

    The options are sorted by panel, those of the recipe before the command's own.
    """
    own = [p for p in inspect.signature(command, eval_str=True).parameters.values() if p.kind is not p.VAR_KEYWORD]

    @functools.wraps(command)
    def run(**given: Any) -> None:
        typed = {name: given.pop(name) for name in OPTIONS}
        options = {n: checked(n, value, flag_of(n)) for n, value in typed.items() if value not in (None, [])}
        command(**given, **options)

    parameters = sorted([*map(_parameter, OPTIONS), *own], key=_panel_number)
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _parameter(name: str) -> inspect.Parameter:
    """Return the parameter that typer makes an option of; None (or an empty list) is what was not typed."""
    kind: Any = value_type(name)
    if OPTIONS[name].convert is not None:
        kind = list[str] if kind is dict else str
    annotation = Annotated[kind | None, recipe_option(name, for_train=True)]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _panel_number(parameter: inspect.Parameter) -> int:
    """Return where the parameter stands: arguments, then the options by panel, then those without one."""
    (declared,) = parameter.annotation.__metadata__
    if isinstance(declared, ArgumentInfo):
        return -1
    return PANELS.index(declared.rich_help_panel) if declared.rich_help_panel else len(PANELS)
