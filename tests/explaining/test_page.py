"""The page in a real browser: languages, light and dark, phone and wide screen, maps and gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

import convscope as cs
from convscope.classifier import Classifier

from ..offline_page import opened
from .photos import HOSTILE, Photos


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    torch.manual_seed(0)
    classifier = Classifier(Photos(), HOSTILE, cs.Preprocess((3, 40, 48), (0.5,) * 3, (0.25,) * 3), "photos", {})
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 70, 3), dtype=np.uint8))
    return cs.explain(classifier, image, label=HOSTILE[0], output=tmp_path_factory.mktemp("page")).page.as_uri()


@pytest.mark.parametrize(
    ("locale", "shown", "hidden", "button"),
    [("en-US", "Layer by layer", "逐层查看", "中文"), ("zh-CN", "逐层查看", "Layer by layer", "EN")],
)
def test_the_page_is_in_the_readers_language(browser, address, locale, shown, hidden, button):
    with opened(browser, address, locale=locale) as page:
        assert shown in page.inner_text("main") and hidden not in page.inner_text("main")
        page.get_by_role("button", name=button).click()
        assert hidden in page.inner_text("main") and shown not in page.inner_text("main")


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_every_screen(browser, address, width, scheme):
    with opened(browser, address, viewport={"width": width, "height": 800}, color_scheme=scheme) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, paper[4:-1].split(","))) > 600) == (scheme == "light")


def test_outputs_are_exchanged_for_gradients(browser, address):
    with opened(browser, address) as page:
        maps, gradient = page.locator(".strip.of-maps").first, page.locator(".strip.of-gradient").first
        assert maps.is_visible() and not gradient.is_visible()
        page.get_by_text("gradients", exact=True).click()
        assert gradient.is_visible() and not maps.is_visible()
