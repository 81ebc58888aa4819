"""The page in a real browser: languages, light and dark, phone and wide screen, maps and gradients."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from PIL import Image

import convscope as cs
from convscope.classifier import Classifier

from .test_explain import HOSTILE, Photos

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: install Debian's package chromium to run the browser tests")
    from playwright.sync_api import sync_playwright

    flags = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=[*flags, "--no-sandbox", "--disable-quic"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    torch.manual_seed(0)
    classifier = Classifier(Photos(), HOSTILE, cs.Preprocess((3, 40, 48), (0.5,) * 3, (0.25,) * 3), "photos", {})
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 70, 3), dtype=np.uint8))
    return cs.explain(classifier, image, label=HOSTILE[0], output=tmp_path_factory.mktemp("page")).page.as_uri()


def opened(browser, address, **context):
    page = browser.new_context(**context).new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("dialog", lambda dialog: problems.append(dialog.message))
    page.on("request", lambda r: problems.append(r.url) if not r.url.startswith(("file:", "data:")) else None)
    page.goto(address)
    return page, problems


@pytest.mark.parametrize(
    ("locale", "seen", "hidden", "button"),
    [("en-US", "Layer by layer", "逐层查看", "中文"), ("zh-CN", "逐层查看", "Layer by layer", "EN")],
)
def test_it_speaks_the_readers_language(browser, address, locale, seen, hidden, button):
    page, problems = opened(browser, address, locale=locale)
    assert seen in page.inner_text("main") and hidden not in page.inner_text("main")
    page.get_by_role("button", name=button).click()
    assert hidden in page.inner_text("main") and seen not in page.inner_text("main")
    assert not problems


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_every_screen(browser, address, width, scheme):
    page, problems = opened(browser, address, viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, paper[4:-1].split(","))) > 600) == (scheme == "light")
    assert not problems


def test_maps_turn_into_gradients(browser, address):
    page, problems = opened(browser, address)
    maps, gradient = page.locator(".strip.of-maps").first, page.locator(".strip.of-gradient").first
    assert maps.is_visible() and not gradient.is_visible()
    page.get_by_text("gradients", exact=True).click()
    assert gradient.is_visible() and not maps.is_visible()
    assert not problems
