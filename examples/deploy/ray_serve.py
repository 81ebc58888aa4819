"""An exported classifier on Ray Serve, in batches: `BUNDLE=runs/train/photos serve run examples.deploy.ray_serve:app`.

curl --data-binary @image.png 127.0.0.1:8000/
"""

from __future__ import annotations

import os
from typing import Any

from ray import serve
from starlette.requests import Request

from convscope.predictor import open_predictor


@serve.deployment
class Classifier:
    """Answers an image with its likeliest classes."""

    def __init__(self, bundle: str):
        self.predictor = open_predictor(bundle)

    @serve.batch(max_batch_size=32, batch_wait_timeout_s=0.005)
    async def classify(self, images: list[bytes]) -> list[dict[str, Any]]:
        """Return the answer to each image."""
        return [
            {"predictions": [vars(row) for row in result.predictions], "reason": result.reason}
            for result in self.predictor.predict_each(images)
        ]

    async def __call__(self, request: Request) -> dict[str, Any]:
        """Answer a request."""
        return await self.classify(await request.body())


app = Classifier.bind(os.environ.get("BUNDLE", "last"))
