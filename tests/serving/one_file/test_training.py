"""Training inside of the file: the network learns as one watches, and what it has learned is loaded by Python."""

from __future__ import annotations

import re

import numpy as np
import torch
from playwright.sync_api import expect
from safetensors.torch import load_file

import convscope as cs
from convscope.serving.one_file import share
from convscope.serving.one_file.training_images import LEVELS, training_images

from ..page.conftest import draw, until


def share_right_of(page) -> float:
    """The share of images right that the panel says, of those that were not learned."""
    words = "() => document.querySelector('.trainer-figures').textContent.match(/learned, ([0-9.]+) %/)?.[1]"
    return float(until(page, words)) / 100


def test_a_network_learns_and_its_weights_are_loaded(visit_file, relu_file, tmp_path):
    page = visit_file(relu_file, "#tab=training&lang=en")
    page.locator('[data-setting="batch"]').select_option("16")
    page.get_by_role("button", name="Train here").click()
    page.get_by_role("button", name="Pause").wait_for()
    share_right = share_right_of(page)
    page.get_by_role("button", name="Pause").click()
    assert share_right > 0.8
    expect(page.locator("select.classifier")).to_have_value("mnist-relu (trained here)")
    expect(page.locator(".curves path, .curves polyline").first).to_be_attached()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the weights").click()
    download.value.save_as(tmp_path / "trained.safetensors")
    classifier = cs.load("mnist-relu")
    missing = classifier.network.load_state_dict(load_file(tmp_path / "trained.safetensors"), strict=False)
    assert not missing.missing_keys
    test = cs.load_data("mnist-5k").splits["test"].take(range(0, 500, 2))
    images = classifier.preprocess.normalize(classifier.preprocess.batch(np.asarray(test.images)))
    with torch.no_grad():
        right = (classifier.network.eval()(images).argmax(1).numpy() == test.labels).mean()
    assert right > 0.75
    # What was learned reads a drawing, on the page as any other network.
    page.locator("#to-network").click()
    page.locator(".board-frame").wait_for()
    instead = page.locator(".input-side .quiet.wide")
    if instead.first.is_visible():
        instead.first.click()
    draw(page)
    expect(page.locator(".chance")).to_be_visible()
    page.locator("#to-training").click()
    page.get_by_label("My drawing is").select_option("7")
    page.get_by_role("button", name="Learn my drawing").click()
    expect(page.get_by_text(re.compile(r"as 7, \d+ times"))).to_be_visible()


def test_a_run_gives_its_own_images_and_epochs(digits_run, visit_file, tmp_path):
    shared = share(str(digits_run.folder), tmp_path / "run.html", max_mb=16)
    assert shared.epochs[0] == 0 and shared.all_epochs == len(shared.epochs)
    page = visit_file(shared.path, "#lang=zh&tab=training")
    expect(page.locator("#tab-training .epoch-slider")).to_be_visible()
    expect(page.get_by_role("button", name="在此训练")).to_be_visible()
    smaller = share(str(digits_run.folder), tmp_path / "small.html", max_mb=shared.size / 1e6 - 0.5)
    assert smaller.size < shared.size - 0.5e6
    assert 0 < len(smaller.epochs) < len(shared.epochs)
    small = share(str(digits_run.folder), tmp_path / "usual.html")
    assert small.size < 1e6 and len(small.epochs) < small.all_epochs
    assert shared.size / 1e6 <= small.mb_of_all_epochs < shared.size / 1e6 + 0.2


def test_images_are_packed_in_few_levels(squares, tmp_path):
    from convscope.export.engine import describe_network
    from convscope.serving.classifiers import Registry

    run = cs.train(squares, "lenet_relu", epochs=1, output=tmp_path / "runs", show=False, img_size=32)
    registry = Registry([str(run.folder)], torch.device("cpu"))
    served = registry.by_id[registry.current]
    described = describe_network(served.classifier.network, served.classifier.preprocess.input_size)
    images = training_images(served, described)
    assert images is not None
    border = served.classifier.preprocess.border
    channels, height, width = served.classifier.preprocess.input_size
    assert images.shape == (channels, height - 2 * border, width - 2 * border)
    assert set(images.labels) == {0, 1}
    values = np.frombuffer(images.pixels, np.uint8)
    assert max((values >> 4).max(), (values & 15).max()) <= LEVELS - 1
    assert len(images.half().labels) == len(images.labels) // 2
