"""The page as one file, as somebody opens it who has nothing but the file and a browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

import convscope as cs
from convscope.errors import DataError, ModelFileError, UsageError
from convscope.serving.one_file import share
from convscope.serving.one_file.share import spaced

from ..page.conftest import answered, calculated, draw, select


def test_it_refers_to_nothing_outside(relu_file):
    text = relu_file.read_text(encoding="utf-8")
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)[^"']*""", text)
    assert "connect-src" not in text and "default-src 'none'" in text
    assert relu_file.stat().st_size < 2_500_000  # with the nine epochs of its training


def test_a_drawn_seven_is_read_as_the_classifier_reads_it(visit_file, relu_file):
    page = visit_file(relu_file)
    draw(page)
    answered(page)
    expect(page.locator(".verdict .figure")).to_have_text("7")


def test_the_products_of_a_value_add_up_and_a_map_can_be_switched_off(visit_file, relu_file):
    page = visit_file(relu_file)
    draw(page)
    answered(page)
    for place in ("features.0~2~10~10", "features.3~9~4~4", "features.5~9~2~2", "classifier.0~7~0~0"):
        calculated(page, place)
        expect(page.locator(".result.theirs.same")).to_be_visible()
        ours = page.locator(".result.ours output").inner_text().removeprefix("= ")
        assert ours == page.locator(".result.theirs output").inner_text()
    calculated(page, "softmax()~7~0~0")
    logit = page.locator(".softmax .chosen td").first
    before = logit.inner_text()
    select(page, "features.3~9")
    page.get_by_role("button", name="Switch off").click()
    page.get_by_role("button", name="Undo the change").wait_for()
    calculated(page, "softmax()~7~0~0")
    expect(logit).not_to_have_text(before)


def test_words_in_both_languages_and_every_tab(visit_file, relu_file):
    page = visit_file(relu_file)
    draw(page)
    answered(page)
    expect(page.locator("#answer-title")).to_have_text("The answer")
    page.locator("[data-language=zh]").click()
    expect(page.locator("#answer-title")).to_have_text("回答")
    for tab in ("convolution", "training", "lesson"):
        page.locator(f"#to-{tab}").click()
        expect(page.locator(f"#tab-{tab} > *").first).to_be_visible()


def test_a_link_opens_the_place_that_it_names(visit_file, relu_file):
    page = visit_file(relu_file, "#example=14&at=features.3~9~4~4&lang=zh")
    expect(page.locator(".result.theirs.same")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    expect(page.locator(".verdict .figure")).to_have_text("7")


def test_why_and_gradients(visit_file, relu_file):
    page = visit_file(relu_file)
    draw(page)
    answered(page)
    page.locator("#answer .primary:visible").click()
    expect(page.locator(".why-figure")).to_have_count(3)
    expect(page.locator(".why-figure.busy")).to_have_count(0)
    assert page.locator(".why-figure .problem").count() == 0
    page.get_by_role("button", name="Fool it with few pixels").click()
    expect(page.locator(".fool-words")).to_have_text(re.compile(r"^\d+ changed pixels? makes? of 7 \("))
    expect(page.locator(".verdict .figure")).not_to_have_text("7")
    page.get_by_role("button", name="Undo the change").click()
    expect(page.locator(".verdict .figure")).to_have_text("7")


def test_a_picture_that_was_given_is_shown_first(visit_file, tmp_path):
    from PIL import Image

    split = cs.load_data("mnist-5k").splits["test"]
    three = next(i for i, label in enumerate(split.labels) if label == 3)
    Image.fromarray(split.images[three]).save(tmp_path / "three.png")
    shared = share("mnist-relu", tmp_path / "page.html", [str(tmp_path / "three.png")])
    page = visit_file(shared.path)
    expect(page.locator(".verdict .figure")).to_have_text("3")
    page.locator("#to-training").click()  # the curves are there, also without an epoch to go back to
    expect(page.locator(".curves path, .curves polyline").first).to_be_visible()
    expect(page.locator("#tab-training .epoch-slider")).to_be_hidden()


def test_what_cannot_be_shared_is_said_in_one_line(tmp_path):
    with pytest.raises(UsageError, match=r"do not fit into 0.3 MB.*--max-size"):
        share("mnist-relu", tmp_path / "page.html", max_mb=0.3)
    with pytest.raises(UsageError, match="choose 8bit, half, full"):
        share("mnist-relu", tmp_path / "page.html", weights_precision="int4")
    with pytest.raises(DataError, match=r"nowhere.png: no such file"):
        share("mnist-relu", tmp_path / "page.html", ["nowhere.png"])
    with pytest.raises(ModelFileError):
        share(str(tmp_path), tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


def test_epochs_are_spaced_evenly_with_both_ends():
    assert spaced(range(13), 13) == list(range(13))
    assert spaced(range(13), 4) == [0, 4, 8, 12]
    assert spaced(range(13), 1) == [0]
    assert spaced(range(13), 0) == []
    assert spaced([], 3) == []
