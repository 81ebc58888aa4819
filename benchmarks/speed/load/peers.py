"""The services to compare with: `python -m benchmarks.speed.load.peers fastapi|litserve BUNDLE PORT`.

Both open the bundle with `cs.load` and answer with its five likeliest classes, as their own guides do it: FastAPI with
a route that threads run, LitServe with its own batching.
"""

from __future__ import annotations

import sys
from typing import Any

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


def serve_litserve(bundle: str, port: int) -> None:
    """Serve with LitServe and torch, in batches."""
    import litserve

    from benchmarks.speed.load.litserve_api import Api

    server = litserve.LitServer(Api(bundle), accelerator="cpu")
    server.run(host="127.0.0.1", port=port, generate_client_file=False, log_level="warning")


if __name__ == "__main__":
    {"fastapi": serve_fastapi, "litserve": serve_litserve}[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
