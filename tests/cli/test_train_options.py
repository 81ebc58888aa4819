"""The options of `convscope train` are those of a recipe: all of them, by their flags, checked, in panels."""

from __future__ import annotations

import re

import pytest
import typer

from convscope.cli import main
from convscope.cli.help import SpokenCommand
from convscope.cli.parameters import flag_of
from convscope.cli.train_options import with_recipe_options
from convscope.errors import UsageError
from convscope.training.recipe.declaration import Panel
from convscope.training.recipe.options import DEFAULTS, OPTIONS, value_type


def typed(*words: str) -> dict[str, object]:
    """What a command gets that is called with these words."""
    received: dict[str, object] = {}

    @with_recipe_options
    def command(**options: object) -> None:
        received.update(options)

    app = typer.Typer()
    app.command(cls=SpokenCommand)(command)
    app(list(words), standalone_mode=False)
    return received


def example(name: str) -> tuple[str, object]:
    """A text that may be typed for an option, and the value that it stands for."""
    option, kind = OPTIONS[name], value_type(name)
    if name == "model_args":
        return "hidden=[9]", {"hidden": [9]}
    if name == "time_budget":
        return "1.5m", 90.0
    value = option.choices[-1] if option.choices else kind(option.limits[1]) if option.limits else "some text"
    return str(value), value


NAMES = [name for name, option in OPTIONS.items() if not option.positional]


@pytest.mark.parametrize("name", [name for name in NAMES if value_type(name) is not bool])
def test_every_field_can_be_typed(name):
    text, value = example(name)
    assert typed(flag_of(name), text) == {name: value}


@pytest.mark.parametrize("name", [name for name in NAMES if value_type(name) is bool])
def test_every_switch_can_be_typed_both_ways(name):
    assert typed(flag_of(name)) == {name: True}
    assert typed(flag_of(name).replace("--", "--no-", 1)) == {name: False}


def test_what_was_not_typed_is_left_to_the_recipe():
    assert typed() == {}
    assert typed("digits") == {"data": "digits"}


def test_repeated_arguments_of_the_network():
    words = ("--model-arg", "hidden=[300, 100]", "--model-arg", "activation=gelu")
    assert typed(*words) == {"model_args": {"hidden": [300, 100], "activation": "gelu"}}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--batch-size", "0"), "--batch-size must be from 1 to 1,000,000, not 0"),
        (("--tta", "spin"), "--tta must be one of none, flip, shift, flip-shift, five-crop, ten-crop, not 'spin'"),
        (("--model-arg", "gelu"), "--model-arg must be NAME=VALUE, not 'gelu'"),
        (("--model-arg", "hidden=[3"), "--model-arg hidden: cannot read '[3'"),
        (("--time-budget", "soon"), "--time-budget must be a time such as 30s, 10m or 1h, not 'soon'"),
    ],
)
def test_a_wrong_value_is_named_by_its_flag(words, message):
    with pytest.raises(UsageError) as caught:
        typed(*words)
    assert str(caught.value) == message


@pytest.fixture
def panels(capsys, monkeypatch) -> dict[str, str]:
    """The panels of `convscope train --help` at 80 columns, by their titles."""
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["train", "--help"]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    return {part.split(":\n")[0]: part for part in text.split("\n\n") if ":\n" in part}


def test_help_lists_the_ten_that_matter_first(panels):
    assert [title for title in panels if title != "Arguments"] == [panel.value for panel in Panel]
    first = [line.split()[0] for line in panels["Most used"].splitlines() if line.startswith("  --")]
    assert first == [
        "--model", "--pretrained", "--epochs", "--time-budget", "--batch-size", "--lr", "--augment", "--recipe",
        "--resume", "--name",
    ]  # fmt: skip
    assert "--help" in panels["Run and output"]


def test_help_shows_defaults_unless_recipes_set_them(panels):
    text = " ".join(" ".join(panels.values()).split())
    descriptions = {words.split()[0]: words for words in re.split(r" (?=--\w[\w-]+ [\[A-Z])", text)}
    shown = {flag: re.findall(r"\[default: (.+?)\]", words) for flag, words in descriptions.items()}
    assert shown["--lr"] == shown["--model"] == shown["--patience"] == []
    assert (shown["--mixup"], shown["--seed"], shown["--tta"], shown["--output"]) == (
        ["0"], ["0"], ["none"], ["runs/train"])  # fmt: skip
    for name in NAMES:
        if value_type(name) is not bool:
            assert bool(shown[flag_of(name)]) == (not OPTIONS[name].by_recipe and DEFAULTS[name] not in (None, ""))
