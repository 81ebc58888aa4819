"""A service in this process that programs ask: one classifier, whose work a test can hold up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

import convscope as cs
from convscope.serving.api.app import create_api
from convscope.serving.api.hosting import Hosted, Hosting, Limits
from convscope.serving.http.access import Access
from convscope.serving.network_answering import NetworkAnswering

from ..conftest import URL


class HeldAnswering(NetworkAnswering):
    """The real one, whose network waits as long as `held` is set; `batches` has the sizes of what it computed."""

    def __init__(self, classifier: cs.Classifier):
        super().__init__(classifier)
        self.go = threading.Event()
        self.go.set()
        self.began = threading.Event()
        self.batches: list[int] = []

    def compute(self, pixels: Any) -> Any:
        self.began.set()
        self.batches.append(len(pixels))
        assert self.go.wait(20)
        return super().compute(pixels)


Make = Callable[..., tuple[TestClient, HeldAnswering, Hosting]]


@pytest.fixture
def make_api(digits_run: cs.Run) -> Iterator[Make]:
    """Make a client of an API of its own with an answering that can be held up."""
    made: list[Hosting] = []

    def make(access: Access | None = None, **limits: Any) -> tuple[TestClient, HeldAnswering, Hosting]:
        answering = HeldAnswering(digits_run.classifier)
        hosted = Hosted("digits", lambda: answering, lambda: answering, lambda: True)
        hosting = Hosting([hosted], "digits", Limits(**limits))
        made.append(hosting)
        return TestClient(create_api(hosting, access), base_url=URL), answering, hosting

    yield make
    for hosting in made:
        assert hosting.close()
