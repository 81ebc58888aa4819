"""Defaults follow the optimizer that is named; what is given stays, and what was chosen is said."""

from __future__ import annotations

import pytest
import yaml

import convscope as cs
from convscope.training.recipe.optimizer_defaults import OPTIMIZER_DEFAULTS, describe_settings, lower_rate
from convscope.training.recipe.options import DEFAULTS
from convscope.training.results import command_of


def test_those_of_adamw_are_the_plain_defaults():
    assert {name: DEFAULTS[name] for name in OPTIMIZER_DEFAULTS["adamw"]} == OPTIMIZER_DEFAULTS["adamw"]


@pytest.mark.parametrize("name", ["sgd", "muon"])
def test_another_optimizer_brings_its_own(name):
    recipe = cs.Recipe().changed(optimizer=name)
    assert {key: getattr(recipe, key) for key in OPTIMIZER_DEFAULTS[name]} == OPTIMIZER_DEFAULTS[name]
    given = cs.Recipe().changed(optimizer=name, lr=0.02, weight_decay=0.3, momentum=0.5, schedule="step")
    assert (given.lr, given.weight_decay, given.momentum, given.schedule) == (0.02, 0.3, 0.5, "step")
    assert cs.Recipe.from_yaml(f"optimizer: {name}\nlr: 0.02").weight_decay == OPTIMIZER_DEFAULTS[name]["weight_decay"]


@pytest.mark.parametrize("name", OPTIMIZER_DEFAULTS)
def test_the_constructor_takes_the_same_as_the_command(name):
    assert cs.Recipe(optimizer=name) == cs.Recipe().changed(optimizer=name)
    assert cs.Recipe(optimizer=name, weight_decay=0.3, lr=0.02).weight_decay == 0.3
    assert cs.Recipe(optimizer="sgd", nesterov=True).momentum == 0.9


def test_the_constructor_names_an_unknown_field():
    with pytest.raises(cs.UsageError, match=r"unknown recipe field 'momentun': did you mean momentum\?"):
        cs.Recipe(momentun=0.5)


def test_sgd_is_that_of_the_tutorials():
    """The recipe that the tutorials type: torch.optim.SGD(network.parameters(), lr=0.1), and nothing else."""
    tutorial, named = cs.Recipe.load("tutorial"), cs.Recipe(optimizer="sgd", lr=0.1)
    for setting in OPTIMIZER_DEFAULTS["sgd"]:
        assert getattr(named, setting) == getattr(tutorial, setting)


def test_the_optimizer_of_a_recipe_keeps_the_recipes_settings():
    tutorial = cs.Recipe.load("tutorial")
    assert tutorial.changed(optimizer="sgd", epochs=1) == tutorial.changed(epochs=1)
    assert tutorial.changed(optimizer="adamw").lr == 0.003


def test_nesterov_brings_a_momentum():
    assert cs.Recipe().changed(optimizer="sgd", nesterov=True).momentum == 0.9


@pytest.mark.parametrize("optimizer", OPTIMIZER_DEFAULTS)
@pytest.mark.parametrize("momentum", [0.0, 0.6, 0.9])
def test_the_command_of_a_recipe_has_its_settings(optimizer, momentum):
    words = command_of(cs.Recipe().changed(optimizer=optimizer, momentum=momentum, epochs=2)).split()
    pairs = dict(zip(words[5::2], words[6::2], strict=True))
    again = cs.Recipe().changed(**{flag[2:].replace("-", "_"): yaml.safe_load(value) for flag, value in pairs.items()})
    assert (again.optimizer, again.momentum, again.epochs) == (optimizer, momentum, 2)


def test_what_was_chosen_is_said(tmp_path, capfd):
    run = cs.train("digits", "softmax_regression", optimizer="sgd", lr=0.2, epochs=1, output=tmp_path)
    line = "optimizer sgd: lr 0.2, momentum 0, weight decay 0, schedule constant"
    assert line in capfd.readouterr().err.splitlines()
    assert describe_settings("sgd", run.metrics["recipe"]) in line
    assert cs.Recipe.load(run.folder / "recipe.yaml").momentum == 0.0


@pytest.mark.parametrize(("optimizer", "usual"), [("adamw", 0.003), ("sgd", 0.1), ("muon", 0.06)])
def test_the_rate_after_one_that_was_too_high_is_the_usual_one_or_lower(optimizer, usual):
    assert lower_rate(optimizer, 5000) == lower_rate(optimizer, 2 * usual) == usual
    assert lower_rate(optimizer, usual) == pytest.approx(usual / 10)
    assert lower_rate(optimizer, usual / 5) == pytest.approx(usual / 50)
