"""How long after a stroke does the page show the network's new answer?

    python -m benchmarks.speed.drawing [--n 60] [--networks mnist-lenet5 mnist-relu resnet18]

A real Chromium draws on the real page; one short stroke after the other, each timed from its pointer event to the frame
in which the new answer and the new maps are painted. A network that no bundled classifier has the name of gets random
weights, which take as long as trained ones. The aim for LeNet: below 100 ms, median.
"""

from __future__ import annotations

import argparse
import math

import numpy as np
from playwright.sync_api import Page

from benchmarks import measure
from benchmarks.speed.browsing import pages

# Times from the first pointer event of a stroke to the second frame after the answer to it has changed the page.
WATCH = """
window.times = [];
let began = null, answered = null;
const start = (event) => { if (event.buttons && began === null) began = performance.now(); };
document.addEventListener('pointermove', start, true);
const plain = window.fetch;
window.fetch = async (...words) => {
  const since = String(words[0]?.url ?? words[0]).includes('/api/forward') ? began : null;
  const answer = await plain(...words);
  if (since !== null) answered = since;
  return answer;
};
addEventListener('DOMContentLoaded', () => new MutationObserver(() => {
  if (answered === null || answered !== began) return;
  const since = began;
  began = answered = null;
  requestAnimationFrame(() => requestAnimationFrame(() => window.times.push(performance.now() - since)));
}).observe(document.querySelector('#answer'), { childList: true, subtree: true }));
"""


def strokes(page: Page, n: int) -> list[float]:
    """Milliseconds of `n` strokes around the board, after three to warm up."""
    box = page.locator(".board").bounding_box()
    assert box is not None
    times: list[float] = []
    for i in range(n + 3):
        angle = 2 * math.pi * i / (n + 3)
        x, y = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        radius = 0.3 * box["width"]
        page.mouse.move(x + radius * math.cos(angle), y + radius * math.sin(angle))
        page.mouse.down()
        page.mouse.move(x + radius * math.cos(angle + 0.1), y + radius * math.sin(angle + 0.1))
        page.mouse.up()
        page.wait_for_function("count => window.times.length >= count", arg=i + 1, timeout=20_000)
        page.wait_for_timeout(100)
        times = page.evaluate("window.times")
    return times[3:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=60)
    parser.add_argument("--networks", nargs="+", default=["mnist-lenet5", "mnist-relu", "resnet18"])
    given = parser.parse_args()
    results = {}
    for name, url, page in pages(given.networks):
        page.add_init_script(WATCH)
        page.goto(url)
        page.locator(".board").wait_for()
        page.wait_for_timeout(1500)
        times = strokes(page, given.n)
        results[name] = measure.spread(times)
        print(f"{name}: median {np.median(times):.0f} ms, mean {measure.text(times, ' ms', digits=0)}", flush=True)
    measure.write("drawing", results)


if __name__ == "__main__":
    main()
