"""The page in a notebook: the file in a frame of a page that is not ours."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from playwright.sync_api import expect
from torch import nn

import convscope as cs
from convscope.errors import ModelFileError, UsageError


class Typed(nn.Module):
    """A network as tutorials have it."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 5)
        self.fc = nn.Linear(4 * 12 * 12, 10)

    def forward(self, x):
        return self.fc(torch.flatten(torch.max_pool2d(torch.relu(self.conv(x)), 2), 1))


def test_a_frame_in_a_plain_page_answers_for_its_picture(browser, tmp_path, caplog):
    torch.manual_seed(0)
    network = Typed().train()
    with torch.no_grad():
        network.fc.weight.mul_(8)
    image = np.random.default_rng(0).integers(0, 255, (28, 28), dtype=np.uint8)
    shown = cs.show(network, image, height=700)
    assert "no preprocessing is known" in caplog.text
    assert network.training
    best = cs.Classifier(network).predict(image)[0]
    page, problems = browser.new_page(), []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    (tmp_path / "notebook.html").write_text(
        f'<!DOCTYPE html><meta charset="utf-8"><p>{shown._repr_html_()}', encoding="utf-8"
    )
    page.goto((tmp_path / "notebook.html").as_uri())
    frame = page.frame_locator("iframe")
    expect(frame.locator(".verdict .figure")).to_have_text(best.label, timeout=30_000)
    assert page.locator("iframe").bounding_box()["height"] == 700
    page.close()
    assert not problems


def test_it_is_saved_as_a_file_and_says_how_to_see_it(tmp_path):
    shown = cs.show("mnist-relu")
    assert re.fullmatch(r"<mnist-relu: a page of \d\.\d MB; .*\.save\('page.html'\).*>", repr(shown))
    assert shown.save(tmp_path / "page.html").read_text(encoding="utf-8") == shown.page


def test_what_the_engine_lacks_is_said_and_an_image_shows_its_maps(caplog):
    network = nn.Sequential(nn.Conv2d(1, 2, 5), nn.Flatten(), nn.LazyLinear(3))
    network(torch.zeros(1, 1, 28, 28))

    class Sorted(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = network

        def forward(self, x):
            return torch.sort(self.body(x), 1).values

    classifier = cs.Classifier(Sorted(), preprocess=cs.Preprocess((1, 28, 28)))
    with pytest.raises(ModelFileError, match=r"sort.*cs\.show\(network, image\) shows its maps"):
        cs.show(classifier)
    image = np.random.default_rng(0).integers(0, 255, (28, 28), dtype=np.uint8)
    shown = cs.show(classifier, image)
    said = r"strongest maps of \d layers for this image alone, \d\.\d MB, without the network: .*sort"
    assert re.search(said, caplog.text)
    assert "<iframe" in shown._repr_html_() and "body.0" in shown.page and 'src="http' not in shown.page


@pytest.mark.slow
def test_a_network_too_large_for_the_file_is_shown_by_its_maps(caplog):
    image = np.random.default_rng(0).integers(0, 255, (28, 28), dtype=np.uint8)
    wide = nn.Sequential(nn.Conv2d(1, 4, 5), nn.ReLU(), nn.Flatten(), nn.Linear(2304, 1500), nn.Linear(1500, 10))
    with pytest.raises(UsageError, match=r"do not fit into 2 MB.*with an image"):
        cs.show(wide, max_mb=2)
    shown = cs.show(wide, image, max_mb=2)
    assert "without the network: the weights of own:Sequential do not fit" in caplog.text
    assert len(shown.page) < 2e6 and "HiResCAM" in shown.page


def test_other_arguments_are_refused():
    with pytest.raises(UsageError, match="not int"):
        cs.show(3)
    with pytest.raises(UsageError, match="height"):
        cs.show("mnist-relu", height="tall")
    with pytest.raises(UsageError, match="uint8"):
        cs.show("mnist-relu", np.zeros((28, 28)))
