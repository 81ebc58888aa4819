"""How large is the page as one file, and how long does it take from a stroke or a picture to the painted answer?

    python -m benchmarks.speed.one_file [--n 20] [--files mnist-relu mnist-lenet5 resnet20 resnet18:8bit resnet18:half]

Each file is opened from the disk in headless Chromium without a network. Networks of the catalogue have random weights:
they take as much room and time as trained ones, nearly. Gray networks get a stroke, the others a photo. Aims: LeNet
below 1 MB and 33 ms, ResNet-20 100 ms, ResNet-18 16 MB with 8 bits or 32 MB in half precision.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from playwright.sync_api import Page, sync_playwright

import convscope as cs
from benchmarks import measure
from convscope.bundle_config import bundled_names
from convscope.data.preprocess import Preprocess
from convscope.serving.one_file import Shared, share

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# From the event to the first frame after the last change of the answer before it rests: what is painted for the event
# before may come in between.
WATCH = """(event) => {
  let started = 0;
  window.painted = null;
  document.addEventListener(event, () => {
    started = performance.now();
    window.painted = null;
  }, true);
  new MutationObserver(() => started && requestAnimationFrame(() => setTimeout(() => {
    window.painted = { after: performance.now() - started, at: performance.now() };
  }))).observe(document.querySelector(".verdict"), { childList: true, subtree: true });
}"""
RESTS = "() => window.painted && performance.now() - window.painted.at > 700"


def make_file(name: str, folder: Path) -> Shared:
    """Write the file of a bundled classifier, or of a network of the catalogue, NAME or NAME:PRECISION."""
    name, _, precision = name.partition(":")
    run = name
    if name not in bundled_names():
        side = 224 if name == "resnet18" else 32
        torch.manual_seed(0)
        network = cs.create_model(name, num_classes=1000 if side == 224 else 10).eval()
        labels = [f"class {i}" for i in range(1000 if side == 224 else 10)]
        args = {"num_classes": len(labels), "in_channels": 3}
        classifier = cs.Classifier(network, labels, Preprocess((3, side, side), MEAN, STD), name, args)
        run = str(folder / name)
        classifier.save(run)
    return share(run, folder / f"{name}-{precision}.html", (), 100 if precision == "half" else 16, precision or None)


def answers(page: Page, n: int) -> list[float]:
    """Milliseconds from a movement of the pen, or from the choice of a photo, to the painted answer."""
    is_gray = page.locator(".thumb").count() >= 20
    page.evaluate(WATCH, "pointermove" if is_gray else "click")
    if is_gray:
        box: Any = page.locator(".board").bounding_box()
        page.mouse.move(box["x"] + 60, box["y"] + 60)
        page.mouse.down()
    thumbs = page.locator(".thumb")
    times: list[float] = []
    for i in range(n + 3):
        if is_gray:
            page.mouse.move(box["x"] + 60 + 4 * i, box["y"] + 60 + 3 * i)
        else:
            thumbs.nth(i % thumbs.count()).click()
        page.wait_for_function(RESTS)
        times.append(page.evaluate("window.painted.after"))
    return times[3:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=20)
    default = ["mnist-relu", "mnist-lenet5", "resnet20", "resnet18:8bit", "resnet18:half"]
    parser.add_argument("--files", nargs="+", default=default)
    given = parser.parse_args()
    browser = shutil.which("chromium")
    if browser is None:
        sys.exit("chromium is not installed")
    results: dict[str, Any] = {}
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for name in given.files:
            shared = make_file(name, Path(folder))
            context = chromium.new_context(offline=True, bypass_csp=True)
            page = context.new_page()
            started = time.perf_counter()
            page.goto(shared.path.resolve().as_uri() + "#lang=en")
            page.locator(".thumb").first.wait_for()
            opened = time.perf_counter() - started
            times = answers(page, given.n)
            context.close()
            change = None if shared.error is None else shared.error.largest_change
            results[name] = {
                "megabytes": shared.size / 1e6, "opened_seconds": opened, "milliseconds": measure.spread(times),
                "largest_change": change, "training_images": shared.training_images,
            }  # fmt: skip
            print(
                f"{name}: {shared.size / 1e6:.2f} MB, opened in {opened:.1f} s, answer median {np.median(times):.0f} "
                f"ms, {measure.text(times, ' ms', digits=0)}, largest change of a probability {change}",
                flush=True,
            )
        chromium.close()
    measure.write("one_file", results)


if __name__ == "__main__":
    main()
