"""How many frames per second does the page paint while the window slides over a map by itself?

    python -m benchmarks.speed.sliding [--seconds 6] [--networks mnist-relu resnet18]

A real Chromium slides the window of a convolution, with the drawer's calculation, at the quickest speed. Frames are
counted by requestAnimationFrame; also said: how long the longest took, and how many places the window reached. The aim:
60 for LeNet, 30 for ResNet-18.
"""

from __future__ import annotations

import argparse
from typing import Any

from playwright.sync_api import Page

from benchmarks import measure
from benchmarks.speed.browsing import pages

COUNT = """seconds => new Promise((done) => {
  const times = [];
  const places = new Set();
  const begin = performance.now();
  const step = (now) => {
    times.push(now);
    places.add(document.querySelector(".own-value")?.textContent);
    if (now - begin < seconds * 1000) requestAnimationFrame(step);
    else {
      const gaps = times.slice(1).map((time, i) => time - times[i]);
      done({ fps: (1000 * gaps.length) / (times.at(-1) - times[0]), longest: Math.max(...gaps), places: places.size });
    }
  };
  requestAnimationFrame(step);
})"""


def slide(page: Page, seconds: float) -> dict[str, Any]:
    """Slide the window over a map of a convolution in the middle, and count the frames."""
    graph = page.evaluate("fetch('api/network').then((answer) => answer.json())")
    convolutions = [node["name"] for node in graph["nodes"] if node["kind"] == "conv"]
    layer = convolutions[len(convolutions) // 2]
    page.wait_for_function("() => location.hash.includes('example=')")  # else the page writes its link over this one
    page.evaluate("place => { location.hash += `&at=${place}~1~0~0` }", layer)
    page.locator(".pace-range").evaluate("one => { one.value = one.max; one.dispatchEvent(new Event('input')); }")
    page.get_by_role("button", name="Slide the window").click()
    result: dict[str, Any] = page.evaluate(COUNT, seconds)
    return {"layer": layer, **result}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--networks", nargs="+", default=["mnist-relu", "resnet18"])
    given = parser.parse_args()
    results = {}
    for name, url, page in pages(given.networks):
        page.goto(f"{url}#v=1&lang=en")
        page.locator(".thumb").first.click()
        page.locator(".chance").wait_for(timeout=60_000)
        found = slide(page, given.seconds)
        results[name] = [found]
        print(f"{name}, {found['layer']}: {found['fps']:.0f} frames per second, the longest {found['longest']:.0f} "
              f"ms, {found['places']} places in {given.seconds:g} s", flush=True)  # fmt: skip
    measure.write("sliding", results)


if __name__ == "__main__":
    main()
