"""How long does one image take, and how many images of a folder go through in a second, with and without torch?

    python -m benchmarks.speed.predict [--runs 10] [--networks lenet_relu,resnet18] [--images 400]

One image is a whole `convscope predict`, from the start of the process to its end. A folder goes through `Predictor`,
decoding included, beside the bare ONNX Runtime session on pixels that are decoded already: the aim is 90 % of that.
"""

from __future__ import annotations

import argparse
import logging
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

import convscope as cs
from benchmarks import measure
from convscope.export.onnx.export import export_run
from convscope.predictor import Predictor, open_predictor

# A usual photo: what cameras and web pages have, reduced.
PHOTO = (375, 500)


def make_bundle(network: str, folder: Path) -> Path:
    """Save an untrained network with a graph; its answers mean nothing, its times do."""
    classifier = cs.Classifier(cs.create_model(network, num_classes=10).eval())
    path = classifier.save(folder / network)
    export_run(str(path))
    return path


def make_images(folder: Path, count: int) -> list[Path]:
    """Write JPEG files of smooth random colours, each of its own."""
    folder.mkdir()
    generator, paths = np.random.default_rng(0), []
    for number in range(count):
        small = generator.integers(0, 256, (12, 16, 3), dtype=np.uint8)
        paths.append(folder / f"{number:05}.jpg")
        Image.fromarray(small).resize(PHOTO[::-1], Image.Resampling.BICUBIC).save(paths[-1], quality=90)
    return paths


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def one_image(bundle: Path, image: Path, runs: int) -> dict[str, list[float]]:
    """Return the seconds of whole processes, by the clock and of the processor, which other programs do not change."""
    words: list[str | Path] = [sys.executable, "-m", "convscope", "predict", bundle, image, "--json", "--runtime"]
    times: dict[str, list[float]] = {"onnx": [], "torch": [], "onnx, CPU": [], "torch, CPU": []}
    for number in range(runs + 1):
        for runtime in ("onnx", "torch"):
            before = cpu_of_children()
            took = measure.run([*words, runtime])["wall_seconds"]
            if number:  # the first round warms the file cache
                times[runtime].append(took)
                times[f"{runtime}, CPU"].append(cpu_of_children() - before)
    return times


def cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def shares(predictor: Predictor, paths: list[Path], runs: int) -> tuple[list[float], list[float]]:
    """Return images per second of a folder, and their share of the bare session's rate, run in turn."""
    batch = [predictor.pixels(path) for path in paths[: predictor.batch_size]]
    rates, share = [], []
    for number in range(runs + 1):
        bare = len(batch) / seconds(lambda: predictor.run(batch))
        rate = len(paths) / seconds(lambda: list(predictor.predict_each(paths)))
        bare = (bare + len(batch) / seconds(lambda: predictor.run(batch))) / 2
        if number:
            rates.append(rate)
            share.append(rate / bare)
    return rates, share


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--networks", default="lenet_relu,resnet18")
    parser.add_argument("--images", type=int, default=400)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    found = {}
    with tempfile.TemporaryDirectory() as name:
        paths = make_images(Path(name) / "images", options.images)
        for network in options.networks.split(","):
            bundle = make_bundle(network, Path(name))
            times = one_image(bundle, paths[0], options.runs)
            ratios = [torch / onnx for onnx, torch in zip(times["onnx"], times["torch"], strict=True)]
            rates, share = shares(open_predictor(bundle), paths, max(options.runs // 3, 2))
            print(network)
            for runtime, values in times.items():
                print(f"  one image, {runtime:10}", measure.text(values, " s"))
            print("  ratio                ", measure.text(ratios, digits=1))
            print("  a folder             ", measure.text(rates, " images/s", digits=1))
            print("  of the session's     ", measure.text(share, " %", 100, digits=0))
            results = {**times, "ratio": ratios, "rate": rates, "share": share}
            found[network] = {key: measure.spread(values) for key, values in results.items()}
    measure.write("predict", found)


if __name__ == "__main__":
    main()
