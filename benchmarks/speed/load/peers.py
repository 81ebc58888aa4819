"""The services to compare with: `python -m benchmarks.speed.load.peers fastapi|litserve BUNDLE PORT`.

Both open the bundle with `cs.load` and answer with its five likeliest classes, as their own guides do it: FastAPI with
a route that threads run, LitServe with its own batching.
"""

from __future__ import annotations

import sys
from typing import Any

import litserve
from fastapi import UploadFile

import convscope as cs


def serve_fastapi(bundle: str, port: int) -> None:
    """Serve with FastAPI and torch."""
    import uvicorn
    from fastapi import FastAPI

    classifier = cs.load(bundle)
    app = FastAPI()

    @app.post("/predict")
    def predict(file: UploadFile) -> list[dict[str, Any]]:
        return [vars(row) for row in classifier.predict(file.file.read(), topk=5)]

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


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


def serve_litserve(bundle: str, port: int) -> None:
    """Serve with LitServe and torch, in batches."""
    server = litserve.LitServer(Api(bundle), accelerator="cpu")
    server.run(host="127.0.0.1", port=port, generate_client_file=False, log_level="warning")


if __name__ == "__main__":
    {"fastapi": serve_fastapi, "litserve": serve_litserve}[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
