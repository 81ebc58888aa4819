"""The API keeps to its own OpenAPI description, whatever is sent: schemathesis makes requests from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.openapi import from_asgi

import convscope as cs
from convscope.serving.api.app import create_api
from convscope.serving.api.hosting import Hosted, Hosting
from convscope.serving.network_answering import NetworkAnswering

from ...data.hostile import SKIPPED, USED

load_all_checks()
# Bytes that fit a description need not be an image that can be read.
HOST = {"host": "127.0.0.1"}
LEFT_OUT = ("positive_data_acceptance", "negative_data_rejection")
IMAGES = [content for content, *_ in [*USED.values(), *SKIPPED.values()] if len(content) < 50_000]
for kind in ("image/*", "image/png", "application/octet-stream"):
    schemathesis.openapi.media_type(kind, st.sampled_from(IMAGES) | st.binary(max_size=200))


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Ask for the classifier that there is, mostly."""
    if path_parameters and len(str(path_parameters.get("name", ""))) % 4:
        given = {"name": "digits", "version": "1"}
        return {name: given.get(name, value) for name, value in path_parameters.items()}
    return path_parameters


@pytest.fixture(scope="module")
def operations(digits_run: cs.Run) -> Iterator[list[Any]]:
    """The routes as the service itself describes them."""
    answering = NetworkAnswering(digits_run.classifier)
    hosting = Hosting([Hosted("digits", lambda: answering, lambda: answering, lambda: True)], "digits")
    schema = from_asgi("/openapi.json", create_api(hosting), headers=HOST)
    yield [found.ok() for found in schema.get_all_operations()]
    assert hosting.close()


def test_every_reference_of_the_description_leads_to_something(operations):
    description = json.loads(json.dumps(operations[0].schema.raw_schema))

    def references(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            yield from [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
            yield from references(one)

    for reference in (found := set(references(description))):
        assert reference.startswith("#/components/schemas/"), reference
        assert reference.rpartition("/")[2] in description["components"]["schemas"]
    parameters = [one for path in description["paths"].values() for way in path.values() for one in
                  way.get("parameters", [])]  # fmt: skip
    assert found and not any("anyOf" in one["schema"] for one in parameters)  # "null" as a text is none


def ask(operations: list[Any], examples: int, derandomize: bool) -> None:
    """Send what fits the description, and what does not, to every route, and check the answers against it."""
    excluded = [CHECKS.get_one(name) for name in LEFT_OUT]
    quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    for operation in operations:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @settings(max_examples=examples, deadline=None, suppress_health_check=quiet, derandomize=derandomize)
            @given(case=operation.as_strategy(generation_mode=mode))
            def send(case: Any) -> None:
                case.call_and_validate(headers=HOST, excluded_checks=excluded)

            with suppress(Unsatisfiable):  # a route without parameters has nothing that does not fit
                send()


def test_every_route_answers_as_described(operations):
    assert len(operations) >= 12
    ask(operations, examples=3, derandomize=True)


@pytest.mark.slow
def test_every_route_answers_as_described_to_anything(operations):
    ask(operations, examples=200, derandomize=False)
