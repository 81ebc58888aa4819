"""The declared options of a training: their checks, and which of them the shipped recipes set."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import convscope as cs
from convscope.training.recipe import options
from convscope.training.recipe.declaration import seconds
from convscope.training.recipe.options import DEFAULTS, OPTIONS

RECIPES = sorted((Path(options.__file__).parent / "shipped").rglob("*.yaml"))


def test_options_without_a_shown_default_are_those_that_shipped_recipes_set():
    written = set().union(*(yaml.safe_load(path.read_text()) for path in RECIPES))
    assert written == {name for name, option in OPTIONS.items() if option.by_recipe}


@pytest.mark.parametrize("name", OPTIONS)
def test_defaults_are_allowed_values(name):
    assert getattr(cs.Recipe(**{name: DEFAULTS[name]}), name) == DEFAULTS[name]


@pytest.mark.parametrize("name", [name for name, option in OPTIONS.items() if option.limits])
def test_limits_are_allowed_and_nothing_beyond(name):
    low, high = OPTIONS[name].limits
    for value in (low, high):
        assert getattr(cs.Recipe(**{name: value}), name) == value
    for value in (low - 1, high * 1.01 + 1, float("nan")):
        with pytest.raises(cs.UsageError, match=f"{name} must be"):
            cs.Recipe(**{name: value})


@pytest.mark.parametrize(("text", "duration"), [("90", 90), ("30s", 30), ("1.5m", 90), ("2h", 7200)])
def test_durations(text, duration):
    assert seconds("time_budget", text) == duration
    assert cs.Recipe(time_budget=text).time_budget == duration
    assert cs.Recipe.from_yaml(f"time_budget: {text}").time_budget == duration


def test_each_recipe_has_arguments_of_its_own():
    one, other = cs.Recipe(), cs.Recipe()
    one.model_args["hidden"] = [3]
    assert other.model_args == {}


def test_a_field_may_have_any_name_in_a_file():
    with pytest.raises(cs.UsageError, match="unknown recipe field 'self'"):
        cs.Recipe.from_yaml("self: 3")
