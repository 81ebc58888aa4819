"""Measure what a lower precision of the weights changes: the answers on real pictures beside full precision."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ...data.datasets import load_data
from ...data.image_file import UnreadableImage
from ...export.engine import EngineNetwork
from ...models.tools.copying import copy_network
from ..classifiers import ServedClassifier
from ..examples import Examples
from .training_images import reads_digits

MOST_PICTURES = 200


@dataclass(frozen=True)
class PrecisionError:
    """The changes on `pictures` pictures: of a probability, at most and on average, and how many answers change."""

    pictures: int
    largest_change: float
    mean_change: float
    answers_changed: int

    def sentences(self, precision: str) -> dict[str, str]:
        """Return what the page says about it."""
        en, zh = ("8 bits", "8 位") if precision == "8bit" else ("half precision", "半精度")
        return {
            "en": f"Weights in {en}: on {self.pictures} pictures a probability changes by at most "
            f"{self.largest_change:.4f}, {self.answers_changed} answers change.",
            "zh": f"权重为{zh}：在 {self.pictures} 张图像上，概率最多变化 {self.largest_change:.4f}，"
            f"{self.answers_changed} 个回答改变。",
        }


def precision_error(served: ServedClassifier, described: EngineNetwork) -> PrecisionError:
    """Compare the network as saved with the same network of the weights that the file holds."""
    classifier = served.classifier
    images = classifier.preprocess.normalize(_pictures(served))
    reduced = with_weights_of(classifier.network, described)
    with torch.no_grad():
        exact, found = (
            torch.cat([classifier.task.probabilities(network(image[None])) for image in images])
            for network in (classifier.network.eval(), reduced)
        )
    change = (exact - found).abs()
    answers = int((exact.argmax(1) != found.argmax(1)).sum())
    return PrecisionError(len(images), float(change.max()), float(change.mean()), answers)


def _pictures(served: ServedClassifier) -> Tensor:
    """Return test digits for a network that reads digits, else the page's photos and what the run got wrong."""
    preprocess = served.classifier.preprocess
    if reads_digits(served):
        split = load_data("mnist-5k").splits["test"]
        order = np.random.default_rng(0).permutation(len(split))[:MOST_PICTURES]
        return preprocess.batch(np.asarray(split.take(order).images))
    pixels = []
    for example in Examples().of(served)[:MOST_PICTURES]:
        with contextlib.suppress(UnreadableImage):
            pixels.append(served.classifier.pixels(example.content(served.classifier.preprocess.levels)[0]))
    return torch.stack(pixels)


def with_weights_of(network: nn.Module, described: EngineNetwork) -> nn.Module:
    """Return a copy of a network whose parameters and buffers are those of the described one."""
    changed = copy_network(network).eval()
    named = {**dict(changed.named_parameters()), **dict(changed.named_buffers())}
    for entry in described.graph["tensors"]:
        if entry["name"] in named and entry["type"] in ("int8", "float16"):
            values = torch.from_numpy(_values(entry, described.weights)).view(entry["shape"])
            named[entry["name"]].data.copy_(values)
    return changed


def _values(entry: dict, block: bytes) -> np.ndarray:
    count = int(np.prod(entry["shape"]))
    values = np.frombuffer(block, entry["type"], count, entry["offset"]).astype(np.float32)
    if entry["type"] == "float16":
        return values
    scales = np.frombuffer(block, np.float32, entry["shape"][0], entry["scales"])
    return (values.reshape(len(scales), -1) * scales[:, None]).ravel()
