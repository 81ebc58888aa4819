"""Docstrings of the public interface: each says what it is, those that fail say how, and the examples in them run."""

from __future__ import annotations

import doctest
import inspect
import re
import sys
from importlib import import_module
from pathlib import Path

import pytest

import convscope as cs
from convscope import insight
from convscope.data.sources.interpretation import Interpretation

ROOT = Path(cs.__file__).parent
WITH_EXAMPLES = [
    ".".join(("convscope", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
    for path in sorted(ROOT.rglob("*.py"))
    if re.search(r"^\s*>>> ", path.read_text(encoding="utf-8"), flags=re.M)
]
ERRORS = {
    name for name in cs.__all__ if inspect.isclass(getattr(cs, name)) and issubclass(getattr(cs, name), Exception)
}
FUNCTIONS = {name: getattr(cs, name) for name in cs.__all__ if inspect.isfunction(getattr(cs, name))}
# What a function that can fail says of it.
FAILING = re.compile(r"\b(?:Raises|[A-Z]\w+Error)\b")


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples_run(module):
    import_module(module)
    found = doctest.testmod(sys.modules[module], optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.attempted and not found.failed


def test_the_first_functions_of_a_newcomer_have_an_example():
    """Every function, and the classes that are made by hand; that of `Run` trains and goes on."""
    with_example = {name for name in cs.__all__ if ">>>" in (inspect.getdoc(getattr(cs, name)) or "")}
    assert FUNCTIONS.keys() - {"train", "resume"} | {"Data", "Preprocess", "Run"} <= with_example
    assert "attribute(" in (inspect.getdoc(insight) or "")


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_public_function_names_its_arguments_and_errors(name):
    function, text = FUNCTIONS[name], inspect.getdoc(FUNCTIONS[name]) or ""
    assert FAILING.search(text) or name == "list_models", f"{name}: say which errors it raises"
    simple = {"data_dir", "device", "output", "pattern", "started"}
    if name == "load_data":  # its docstring names the class that describes these
        assert "Interpretation" in text
        simple |= set(inspect.signature(Interpretation).parameters) | {"uncertain"}
    for argument, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD or argument in simple:
            continue
        assert re.search(rf"\b{argument}\b", text), f"{name}: say what {argument} is"


@pytest.mark.parametrize("name", sorted(insight.__all__))
def test_what_looks_inside_says_its_shapes(name):
    part = getattr(insight, name)
    if inspect.isfunction(part):
        text = inspect.getdoc(part) or ""
        takes = set(inspect.signature(part).parameters)
        if "images" in takes:
            assert re.search(r"N x C x H x W|images|\bC x H x W\b", text), f"{name}: say the shape of its images"
    else:
        assert not callable(part) or (inspect.getdoc(part) or "")
