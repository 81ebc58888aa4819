"""How fast is the page's own engine, how large are its weights, and what do 8 bits change?

    python -m benchmarks.speed.engine [--n 30] [--networks lenet5 resnet20 resnet18]

In headless Chromium, with SIMD and in plain JavaScript: a forward pass of one image with all layers' outputs, and the
training of LeNet (ReLU) on 4,000 of the bundled digits, in batches of 32, tested on 500 others. The precisions are
compared on the bundled classifier `mnist-relu` and 500 test digits. Aims: LeNet 33 ms from stroke to answer, ResNet-20
100 ms, ResNet-18 at 224 pixels 1.5 s in plain JavaScript and 0.4 s with SIMD, one epoch 10 s, 97 % within a minute.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from playwright.sync_api import Page, Route, sync_playwright

import convscope as cs
from benchmarks import measure
from convscope.data.split import Split
from convscope.export.engine import PRECISIONS, EngineNetwork, describe_network
from convscope.models import CATALOGUE

PAGE = Path(cs.__file__).parent / "serving" / "page"
ADDRESS = "http://engine.test/"
LOAD = """
const given = async (name) => (await fetch(`/given/${name}`)).arrayBuffer();
const { Network } = await import("/engine/network.js");
const graph = JSON.parse(new TextDecoder().decode(await given("graph")));
const network = new Network(graph, await given("weights"), { simd: argument.simd });
"""
FORWARD = """
const images = new Float32Array(await given("images"));
const times = [];
for (let i = 0; i < argument.n + 3; i += 1) {
  const started = performance.now();
  network.forward(images);
  times.push(performance.now() - started);
}
return times.slice(3);
"""
LOGITS = """
const images = new Float32Array(await given("images"));
return Array.from(network.logits(network.forward(images, { images: argument.count })));
"""
TRAIN = """
const { Training } = await import("/engine/training.js");
const { labels, train, mean, std, epochs } = argument;
const pixels = new Uint8Array(await given("images"));
const size = pixels.length / labels.length;
const part = (from, to) => (
  { pixels: pixels.subarray(from * size, to * size), labels: labels.slice(from, to), mean, std });
const optimizer = { kind: "adam", learningRate: 0.002 };
const training = new Training(network, part(0, train), { optimizer, batchSize: 32, seed: argument.seed });
const rows = [];
for (let epoch = 1; epoch <= epochs; epoch += 1) {
  const started = performance.now();
  do training.step(); while (training.order.length);
  const seconds = (performance.now() - started) / 1000;
  rows.push({ seconds, accuracy: training.evaluate(part(train, labels.length)).accuracy });
}
return rows;
"""


def run(page: Page, network: EngineNetwork, script: str, images: np.ndarray, **argument: Any) -> Any:
    """Run a script in the page with a network and images, and return its result."""
    files = {"graph": json.dumps(network.graph).encode(), "weights": network.weights, "images": images.tobytes()}

    def answer(route: Route) -> None:
        name = route.request.url.removeprefix(ADDRESS)
        if name.startswith("engine/"):
            route.fulfill(body=(PAGE / name).read_bytes(), content_type="text/javascript")
        elif name.startswith("given/"):
            route.fulfill(body=files[name.removeprefix("given/")])
        else:
            route.fulfill(body="<title>engine</title>", content_type="text/html")

    page.unroute_all()
    page.route("**/*", answer)
    page.goto(ADDRESS)
    return page.evaluate(f"async (argument) => {{ {LOAD} {script} }}", argument)


def forward_times(page: Page, name: str, n: int) -> dict[str, Any]:
    """Milliseconds of one image, with SIMD and without, and the size of the weights in each precision."""
    network = cs.create_model(name).eval()
    size = getattr(network, "input_size", None) or CATALOGUE[name].input_size
    images = np.random.default_rng(0).normal(size=size).astype(np.float32)
    result: dict[str, Any] = {}
    for simd, kind in ((True, "simd"), (False, "plain")):
        times = run(page, describe_network(network, size), FORWARD, images, simd=simd, n=n)
        result[kind] = measure.spread(times)
        print(f"{name}, {kind}: median {np.median(times):.1f} ms, {measure.text(times, ' ms', digits=1)}", flush=True)
    described = {precision: describe_network(network, size, precision) for precision in PRECISIONS}
    result["megabytes"] = {precision: len(one.weights) / 1e6 for precision, one in described.items()}
    result["graph_megabytes"] = len(json.dumps(described["int8"].graph)) / 1e6
    sizes = ", ".join(f"{precision} {number:.2f}" for precision, number in result["megabytes"].items())
    print(f"{name}: weights in MB: {sizes}; graph {result['graph_megabytes']:.2f}", flush=True)
    return result


def digits(split: str, n: int, border: int = 2) -> tuple[np.ndarray, list[int]]:
    """Bundled digits in random order with a border, uint8, N x 1 x 32 x 32, and their labels."""
    data: Split = cs.load_data("mnist-5k").split(split)
    part = data.take(np.random.default_rng(0).permutation(len(data))[:n])
    pixels = np.pad(np.asarray(part.images), ((0, 0), (border, border), (border, border)))
    return pixels[:, None], part.labels.tolist()


def training_time(page: Page, seed: int, epochs: int = 5) -> list[dict[str, float]]:
    """Seconds of each epoch on 4,000 digits, and the accuracy on 500 others after it."""
    pixels, labels = digits("all", 4500)
    torch.manual_seed(seed)
    network = describe_network(cs.create_model("lenet_relu"), (1, 32, 32))
    argument = {"simd": True, "labels": labels, "train": 4000, "mean": [0.13], "std": [0.31], "seed": seed}
    rows: list[dict[str, float]] = run(page, network, TRAIN, pixels, epochs=epochs, **argument)
    for epoch, row in enumerate(rows, 1):
        print(f"training, epoch {epoch}: {row['seconds']:.1f} s, {row['accuracy']:.1%} of 500 digits", flush=True)
    return rows


def precision_errors(page: Page, n: int = 500) -> dict[str, dict[str, float]]:
    """For each precision, the largest change of a probability and how many of the answers change."""
    classifier = cs.load("mnist-relu")
    pixels, _ = digits("test", n)
    images = classifier.preprocess.normalize(torch.from_numpy(pixels)).numpy()
    found = {}
    for precision in PRECISIONS:
        network = describe_network(classifier.network, images.shape[1:], precision)
        logits = run(page, network, LOGITS, images, simd=True, count=len(images))
        found[precision] = torch.tensor(logits).view(len(images), -1).softmax(1)
    exact = found.pop("float32")
    result = {}
    for precision, probabilities in found.items():
        changed = int((probabilities.argmax(1) != exact.argmax(1)).sum())
        largest = float((probabilities - exact).abs().max())
        result[precision] = {"n": len(images), "largest_change": largest, "answers_changed": changed}
        print(f"{precision}: a probability changes by at most {largest:.4f}, {changed} of {len(images)} answers")
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--networks", nargs="+", default=["lenet5", "lenet_relu", "resnet20", "resnet18"])
    given = parser.parse_args()
    browser = shutil.which("chromium")
    if browser is None:
        sys.exit("chromium is not installed")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = chromium.new_page()
        results: dict[str, Any] = {name: forward_times(page, name, given.n) for name in given.networks}
        results["training"] = [training_time(page, seed) for seed in range(given.seeds)]
        results["precision"] = precision_errors(page)
        chromium.close()
    measure.write("engine", results)


if __name__ == "__main__":
    main()
