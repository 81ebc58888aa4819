"""Which runtime computes a bundle's graph soonest, and are its answers the same?

    python -m benchmarks.speed.runtimes RUN [RUN ...] [--rounds 3]

What `convscope export` measures to choose a runtime, some rounds of it, with torch in bf16 beside it, which is not
offered. A RUN is one that was exported, or a network by its name: its weights are random then, and so are the pictures.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

import convscope as cs
from benchmarks import measure
from benchmarks.speed.predict import make_bundle, make_images
from convscope.export.images import own_images, pixels_for_judging
from convscope.models import list_models
from convscope.prediction import measured
from convscope.predictor import open_predictor
from convscope.quickest import MOST
from convscope.quickest import measure as choose
from convscope.run_folder import run_of_bundle
from convscope.sessions import Open, other_runtimes


class TorchSession:
    """torch in bf16, with channels last in memory; distances to familiar pictures in float64."""

    def __init__(self, classifier: cs.Classifier):
        self.classifier = classifier
        classifier.network.eval().to(memory_format=torch.channels_last)

    def run(self, output_names: Sequence[str], input_feed: Mapping[str, np.ndarray], /) -> list[np.ndarray]:
        """Return the outputs with these names."""
        classifier, familiar = self.classifier, self.classifier.abstention.familiar
        pixels = torch.from_numpy(input_feed["pixels"]).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            logits, distances = measured(
                classifier.network, classifier.preprocess, pixels, torch.device("cpu"), familiar
            )
        answers = {
            "probabilities": classifier.task.probabilities(logits).numpy(),
            "logits": logits.numpy(),
            "distance": np.array(distances, np.float64),
        }
        return [answers[name] for name in output_names]


def seconds_to_begin(bundle: Path, open_session: Open) -> float:
    began = time.perf_counter()
    open_session(bundle / "model.onnx", None)
    return time.perf_counter() - began


def compare(source: str | Path, pictures: list[Path], rounds: int) -> dict[str, object]:
    predictor, classifier = open_predictor(source), cs.load(source)
    pixels = pixels_for_judging(classifier, own_images(run_of_bundle(predictor.bundle)), MOST)
    if not len(pixels):
        made = [predictor.pixels(path) for path in pictures]
        pixels = np.ascontiguousarray(np.stack(made).transpose(0, 3, 1, 2))
    begin = {name: seconds_to_begin(predictor.bundle, other) for name, other in other_runtimes().items()}
    others = {**other_runtimes(), "torch-bf16": lambda path, threads: TorchSession(classifier)}
    found = [choose(predictor, pixels, others) for _ in range(rounds)]
    print(f"{source}: {found[0]['images']} images; chosen: {[one['runtime'] for one in found]}")
    for name, last in found[-1]["measured"].items():
        print(f"  {name}: {last['refused'] or 'agrees'}, a probability differs by {last.get('difference', 0):.2g}")
        for size in last.get("images_per_second", {}):
            rates = [one["measured"][name]["images_per_second"][size] for one in found]
            print(f"    batches of {size:3}", measure.text(rates, " images/s", digits=1))
        if name in begin:
            print(f"    begins in {1000 * begin[name]:.0f} ms")
    return {"choices": found, "begin": begin}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as name:
        pictures = make_images(Path(name) / "images", 64)
        for run in options.runs:
            source = make_bundle(run, Path(name)) if run in list_models() else run
            results[run] = compare(source, pictures, options.rounds)
    measure.write("runtimes", results)


if __name__ == "__main__":
    main()
