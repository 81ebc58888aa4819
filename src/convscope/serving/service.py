"""The service: the registry, workers, sessions and examples that all routes share."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, TypeVar

from fastapi import Request

from .api.hosting import Hosting, Limits
from .classifiers import Registry, ServedClassifier
from .examples import Examples
from .inspector import Inspector
from .network_answering import hosted_of
from .page_trainings import PageTrainings
from .pointing import MeasuredMethods
from .sessions import Sessions, TraceCache
from .worker import Worker

T = TypeVar("T")
QUICK_SECONDS, SLOW_SECONDS = 30.0, 60.0
# Attributions need the first; torch imports the second when it computes shapes alone.
IMPORTED_AHEAD = ("captum.attr", "sympy")


@dataclass
class Service:
    """What the routes share. The `quick` worker answers while somebody draws, the `slow` one computes explanations.

    `seconds` are the time limits of the two. `stopping` returns True once the service is asked to stop, so that
    responses without an end of their own can end. Readers of the page may train for `train_seconds` at a time; 0 is
    never.
    """

    registry: Registry
    quick: Worker
    slow: Worker
    sessions: Sessions = field(default_factory=Sessions)
    examples: Examples = field(default_factory=Examples)
    methods: MeasuredMethods = field(default_factory=MeasuredMethods)
    seconds: tuple[float, float] = (QUICK_SECONDS, SLOW_SECONDS)
    stopping: Callable[[], bool] = lambda: False
    imports_started: bool = False
    limits: Limits = field(default_factory=Limits)
    train_seconds: int = 0

    def __post_init__(self) -> None:
        hosted = [hosted_of(served) for served in self.registry.by_id.values()]
        self.hosting = Hosting(hosted, self.registry.current, self.limits)
        self.hosting.is_stopping = lambda: self.stopping()
        self.registry.on_add = lambda served: self.hosting.add(hosted_of(served))
        self.trainings = PageTrainings(self.registry, self.train_seconds)
        traces = TraceCache()
        self.inspector, self.explainer = Inspector("quick", traces), Inspector("slow", traces)

    def import_ahead(self) -> None:
        """Import in the background, once, what the first questions of a page would otherwise wait for."""
        if not self.imports_started:
            self.imports_started = True
            threading.Thread(target=_import_ahead, daemon=True).start()

    def measured_methods(self, served: ServedClassifier) -> dict[str, Any] | None:
        """Return which heat maps point best in a classifier; for the slow worker."""
        network = served.network(user=self.explainer.worker)
        return self.methods.of(served, network, lambda: self.examples.of(served))

    async def run_quick(self, request: Request, compute: Callable[[], T], page: str | None = None) -> T:
        """Run a short computation, which must not wait behind an explanation."""
        return await self.quick.run(compute, self.seconds[0], request, page)

    async def run_slow(self, request: Request, compute: Callable[[], T]) -> T:
        """Run a computation that may take seconds."""
        return await self.slow.run(compute, self.seconds[1], request)


def _import_ahead() -> None:
    for module in IMPORTED_AHEAD:
        with contextlib.suppress(ImportError):
            import_module(module)
