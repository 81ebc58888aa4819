"""The figures of the service for Prometheus: requests, predictions, batches, the queue, and the process itself."""

from __future__ import annotations

import os
from collections.abc import Callable

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from ...version import __version__

# A folder in which several processes of one service count together; prometheus_client reads it when it is imported.
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
IMAGES = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """Counters in a registry of their own, so that two services in one process do not mix."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "convscope_requests", "Requests by route and status.", ("method", "route", "status"), registry=registry
        )
        self.seconds = Histogram(
            "convscope_request_seconds", "Seconds from the head of a request to the end of its answer.", ("route",),
            registry=registry, buckets=SECONDS,
        )  # fmt: skip
        self.images = Counter(
            "convscope_images", "Images by what became of them: answered, unknown or unusable.", ("model", "outcome"),
            registry=registry,
        )  # fmt: skip
        self.batches = Histogram(
            "convscope_batch_images", "Images in each batch.", ("model",), registry=registry, buckets=IMAGES
        )
        self.network = Histogram(
            "convscope_network_seconds", "Seconds of each batch in the network.", ("model",), registry=registry,
            buckets=SECONDS,
        )  # fmt: skip
        self.queue = Gauge(
            "convscope_queue_images", "Images that wait for the network.", ("model",), registry=registry,
            multiprocess_mode="livesum",
        )  # fmt: skip
        info = Gauge("convscope_info", "The version.", ("version",), registry=registry, multiprocess_mode="max")
        info.labels(__version__).set(1)
        if SHARED_FOLDER not in os.environ:
            ProcessCollector(registry=registry)
            PlatformCollector(registry=registry)

    def batch_observer(self, model: str) -> Callable[[int, int, float], None]:
        """Return what a batcher tells of each batch."""
        batches, network, queue = self.batches.labels(model), self.network.labels(model), self.queue.labels(model)

        def observe(images: int, waiting: int, seconds: float) -> None:
            batches.observe(images)
            network.observe(seconds)
            queue.set(waiting)

        return observe

    def observe_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that has been answered."""
        self.requests.labels(method, route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Return all figures in Prometheus's text format, of every process of the service."""
        registry = self.registry
        if SHARED_FOLDER in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)
        return generate_latest(registry)
