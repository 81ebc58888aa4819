"""The service as LitServe has it; a module of its own, which its processes import."""

from __future__ import annotations

from typing import Any

import litserve

import convscope as cs


class Api(litserve.LitAPI):
    """A classifier as LitServe has it."""

    def __init__(self, bundle: str):
        super().__init__(max_batch_size=32, batch_timeout=0.002)
        self.bundle = bundle

    def setup(self, device: str) -> None:
        """Load the classifier."""
        self.classifier = cs.load(self.bundle)

    def decode_request(self, request):  # type: ignore[no-untyped-def]  # LitServe reads the annotation
        """Return the image of a form."""
        return request["file"].file.read()

    def batch(self, inputs: list[Any]) -> list[Any]:
        """Return a batch."""
        return list(inputs)

    def unbatch(self, output: list[Any]) -> list[Any]:
        """Return the answers of a batch."""
        return output

    def predict(self, images: list[Any]) -> Any:
        """Return the answers to a batch."""
        return self.classifier.predict(images, topk=5)

    def encode_response(self, output: list[Any]) -> list[dict[str, Any]]:
        """Return an answer as JSON."""
        return [vars(row) for row in output]
