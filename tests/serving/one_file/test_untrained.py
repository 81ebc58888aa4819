"""A network that is not trained, in one file: the page says so."""

from __future__ import annotations

from playwright.sync_api import expect

from convscope.serving.one_file import share


def test_random_weights_are_said_in_both_languages(visit_file, tmp_path):
    path = share("lenet_relu", tmp_path / "page.html").path
    page = visit_file(path)
    expect(page.locator("#notice")).to_contain_text("lenet_relu: not trained: the weights are random")
    page.locator("[data-language=zh]").click()
    expect(page.locator("#notice")).to_contain_text("lenet_relu：未经训练")
    page.locator("#notice button").click()
    expect(page.locator("#notice")).to_be_hidden()
