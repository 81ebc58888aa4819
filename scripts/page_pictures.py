"""Screenshots of every tab of the page, to be looked at before a change of the page is called done.

    python -m scripts.page_pictures FOLDER [TARGET] [--views network drawer] [--sizes 1366x768] [--themes dark]

All sizes, themes and languages unless told otherwise. For each size there is one sheet with all its pictures beside
each other. TARGET is what `convscope serve` opens; by default the bundled classifier.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from benchmarks.speed.serving import served
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

SIZES = ("1366x768", "1024x768", "1920x1080", "820x1180", "390x844")
# What each view adds to the link; {layer} is the first convolution.
VIEWS = {
    "network": "",
    "layer": "&at={layer}",
    "value": "&at={layer}~1~9~9",
    "why": "&why=1",
    "backward": "&direction=backward",
    "3d": "&3d=1",
    "convolution": "&tab=convolution",
    "training": "&tab=training",
    "lesson": "&tab=lesson&step=6",
}
LANGUAGES = {"en": "en-GB", "zh": "zh-CN"}
SHEET_WIDTH = 640  # pixels of one picture on a sheet
SETTLED = 60_000  # milliseconds within which a view is there


def settle(page: Page) -> None:
    """Wait until an answer is shown and nothing moves any more."""
    if page.locator("#to-network[aria-selected=true], #to-lesson[aria-selected=true]").count():
        page.locator(".chance, .figure").first.wait_for(timeout=SETTLED, state="attached")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(400)


def take(browser: Browser, address: str, view: str, size: str, theme: str, language: str, picture: Path) -> None:
    """Save one screenshot; what goes wrong in the page is printed."""
    width, height = map(int, size.split("x"))
    context = browser.new_context(
        viewport={"width": width, "height": height}, locale=LANGUAGES[language], color_scheme=theme,
        reduced_motion="reduce", has_touch=width < 1000,
    )  # fmt: skip
    page = context.new_page()
    page.on("pageerror", lambda error: print(f"{picture.name}: {error}", file=sys.stderr))
    answer = page.request.get(f"{address}/api/examples").json()["examples"]
    graph = page.request.get(f"{address}/api/network").json()
    layer = next(node["name"] for node in graph["nodes"] if node["kind"] == "conv")
    link = f"#v=1&example={answer[0]['id']}&lang={language}{VIEWS[view].format(layer=layer)}"
    page.goto(f"{address}/{link}")
    settle(page)
    page.screenshot(path=picture)
    context.close()


def sheet(pictures: list[Path], path: Path) -> None:
    """Put pictures of one size side by side, four in a row."""
    images = [Image.open(one) for one in pictures]
    across = 4
    height = round(SHEET_WIDTH * images[0].height / images[0].width)
    rows = -(-len(images) // across)
    paper = Image.new("RGB", (across * SHEET_WIDTH, rows * height), "white")
    for i, image in enumerate(images):
        small = image.convert("RGB").resize((SHEET_WIDTH, height), Image.Resampling.LANCZOS)
        paper.paste(small, (i % across * SHEET_WIDTH, i // across * height))
    paper.save(path)


def main() -> None:
    """Take all pictures that are asked for, and put them on sheets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("target", nargs="?", default="mnist-relu")
    parser.add_argument("--views", nargs="+", default=list(VIEWS), choices=list(VIEWS))
    parser.add_argument("--sizes", nargs="+", default=list(SIZES))
    parser.add_argument("--themes", nargs="+", default=["light", "dark"])
    parser.add_argument("--languages", nargs="+", default=list(LANGUAGES))
    given = parser.parse_args()
    browser = shutil.which("chromium")
    if browser is None:
        sys.exit("chromium is not installed")
    given.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, served(Path(given.target)) as address:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for size in given.sizes:
            pictures = []
            for view in given.views:
                for theme in given.themes:
                    for language in given.languages:
                        picture = given.folder / f"{size}-{view}-{theme}-{language}.png"
                        take(chromium, address, view, size, theme, language, picture)
                        pictures.append(picture)
            sheet(pictures, given.folder / f"sheet-{size}.png")
            print(given.folder / f"sheet-{size}.png", flush=True)
        chromium.close()


if __name__ == "__main__":
    main()
