"""What is in sight at first: the whole network with its answer, names and numbers that a reader understands."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from .conftest import RELU, answered, box_of, calculated, drawn, until

# Heads whose words touch those of the neighbour, or whose letters are smaller than 11 pixels.
CROWDED = """() => {
  const boxes = [...document.querySelectorAll(".head")].map((head) => [...head.children].filter((one) =>
    one.textContent && !one.classList.contains("code")).map((one) => {
      const range = document.createRange();
      range.selectNodeContents(one);
      return { size: parseFloat(getComputedStyle(one).fontSize), ...range.getBoundingClientRect().toJSON() };
    }));
  const small = boxes.flat().filter(({ size }) => size < 11);
  const touching = boxes.slice(1).filter((words, i) => words.some((word) => boxes[i].some((other) =>
    other.top === word.top && other.right + 2 > word.left)));
  return [small, touching];
}"""
# Whether nothing lies over what has the focus.
UNCOVERED = """() => {
  const { x, y, width, height } = document.activeElement.getBoundingClientRect();
  return document.elementFromPoint(x + width / 2, y + height / 2)?.closest("button") === document.activeElement;
}"""

CATALOGUE = {
    "input": "input", "activation": "ReLU ScaledTanh SiLU Sigmoid", "add": "add", "concat": "cat",
    "conv": "Conv2d TableConv2d", "dropout": "Dropout", "flatten": "Flatten",
    "global_pool": "AdaptiveAvgPool2d AdaptiveMaxPool2d", "identity": "Identity Images StochasticDepth",
    "linear": "Linear", "multiply": "mul", "norm": "BatchNorm2d LocalResponseNorm LayerNorm", "other": "RBF neg",
    "pad": "pad", "pool": "AvgPool2d MaxPool2d SubSampling", "reshape": "PaddedIdentity", "softmax": "Softmax",
}  # fmt: skip
SORTS = """async (pairs) => {
  const [{ sortOf, wordsFor }, { t }] = await Promise.all([import("/network/names.js"),
    import("/i18n.js")]);
  return pairs.map(([kind, type]) => {
    const sort = sortOf({ kind, type, attributes: {}, shape: [8], inputs: [] });
    const words = (use) => { const key = wordsFor((s) => `${use}.${s}`, sort); return key && t(key, { n: 2, type }); };
    return [[kind, type], words("explain"), words("short")];
  });
}"""


@pytest.mark.parametrize("size", [(1366, 768), (1440, 900), (1024, 768)])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_default_network_is_in_sight_with_its_answer(visit, mnist, size, language):
    page = visit(mnist + f"#lang={language}&example=14", width=size[0], height=size[1])
    answered(page)
    expect(page.locator("select.classifier")).to_have_value("mnist-relu")
    # 13 layers and softmax, all without a scroll bar.
    expect(page.locator(".head")).to_have_count(14)
    assert page.locator("#network .scroller").evaluate("e => e.scrollWidth - e.clientWidth") == 0
    assert page.evaluate("document.documentElement.scrollHeight - innerHeight") <= 0
    for place in (".head >> nth=13", ".verdict .figure", ".classes li >> nth=9", ".board", ".legend-bar"):
        expect(page.locator(place)).to_be_in_viewport(ratio=1)
    assert page.evaluate(CROWDED) == [[], []]


def test_heads_say_in_plain_words_what_layers_are_and_in_small_what_the_code_calls_them(visit, mnist):
    page = drawn(visit, mnist + RELU)
    head = page.locator('.head[data-layer="features.3"]')
    lines = ["Conv 2", "5×5", "16 maps", "10×10", "features.3"]
    for line in lines:
        expect(head).to_contain_text(line)
    page.get_by_role("button", name="中文").click()
    for line in ["卷积 2", "5×5", "16 张图", "features.3"]:
        expect(head).to_contain_text(line)
    titles = page.locator(".head b").all_inner_texts()
    assert titles[-2:] == ["输出", "Softmax"]


def test_every_layer_says_in_two_sentences_what_it_does(visit, mnist):
    page = visit(mnist + "#model=mnist-lenet5&example=14&lang=en")
    answered(page)
    asks = page.locator(".ask")
    expect(asks).to_have_count(page.locator(".head").count())
    for i in range(asks.count()):
        asks.nth(i).click()
        text = page.locator(".help-box p")
        expect(text).to_be_visible()
        sentences = re.findall(r"[.:)](?= |$)", text.inner_text())
        assert len(sentences) >= 2, text.inner_text()
        expect(text).not_to_contain_text("no description")
    page.locator(".ask").nth(1).click()
    expect(page.locator(".help-box")).to_contain_text("narrow or “valid” convolution")
    expect(page.locator(".help-box")).to_be_in_viewport(ratio=1)
    page.keyboard.press("Escape")
    expect(page.locator(".help-box")).to_be_hidden()
    expect(page.locator(".ask").nth(1)).to_be_focused()
    # The pairs of kind and type of the 72 networks of the catalogue, and the words that are not those of the kind.
    found = page.evaluate(SORTS, [[kind, type] for kind, types in CATALOGUE.items() for type in types.split()])
    assert [pair for pair, words, _ in found if not words] == []
    special = {pair[1]: words for pair, words, _ in found}
    assert "largest value" in special["AdaptiveMaxPool2d"] and "neighbouring maps" in special["LocalResponseNorm"]
    assert [head for (_, of), _, head in found if "Adaptive" in of] == ["Average", "Max of all"]
    assert "leaves out the whole block" in special["StochasticDepth"] and "zeros" in special["PaddedIdentity"]
    table = page.locator('.head[data-layer="C3"]')
    table.click()
    expect(page.locator("#drawer")).to_contain_text("a table says which")
    page.locator('.head[data-layer="output"]').click()
    expect(page.locator("#drawer")).to_contain_text("strong orange means far away, least likely")


def test_the_legend_has_the_numbers_of_what_is_pointed_at(visit, mnist):
    page = drawn(visit, mnist + RELU)
    ends = page.locator(".legend > span")
    expect(page.locator(".legend-of")).to_have_text("Conv 1")
    shown = page.locator('.head[data-layer="features.0"] small').inner_text()
    assert ends.nth(0).inner_text() == shown.replace("±", "−")
    assert ends.nth(1).inner_text() == shown.replace("±", "+")
    page.locator('.head[data-layer="features.3"]').click()
    expect(page.locator(".legend-of")).to_have_text("Conv 2")
    page.locator("#legend [data-value=network]").click()
    expect(page.locator(".legend-of")).to_have_text("network")
    texts = page.locator(".head:not([data-layer='softmax()']) small").all_inner_texts()
    assert len(set(texts)) == 1 and texts[0].startswith("±")


def test_a_cell_of_the_softmax_column_opens_its_calculation(visit, mnist):
    page = drawn(visit, mnist + RELU)
    page.locator(".scroller").focus()
    for key in ("ArrowRight", "End", "ArrowDown", "ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(page.locator(".path")).to_contain_text("softmax")
    expect(page.locator(".path b")).to_have_text("2")
    until(page, "() => location.hash.includes('at=softmax')")


def test_the_page_opens_with_a_digit_that_flows_to_its_answer_until_it_is_touched(visit, mnist):
    page = visit(mnist)
    expect(page.locator("#answer")).to_have_class(re.compile("veiled"))
    expect(page.locator(".board-hint")).to_have_text("Draw your own here")
    expect(page.locator("#answer")).not_to_have_class(re.compile("veiled"))
    expect(page.locator(".verdict .figure")).to_have_text("7")
    assert "draw=" not in page.evaluate("location.hash")
    page.locator('.head[data-layer="features.3"]').click()  # whoever looks at the network keeps the picture
    expect(page.locator(".board-hint")).to_be_hidden()
    expect(page.locator(".verdict .figure")).to_have_text("7")
    until(page, "() => location.hash.includes('draw=')")


def test_who_draws_while_the_page_shows_itself_begins_with_an_empty_board(visit, mnist):
    page = visit(mnist)
    expect(page.locator(".board-hint")).to_have_text("Draw your own here")
    page.locator(".board").click(position={"x": 60, "y": 60})
    until(page, "() => location.hash.includes('draw=')")
    strokes = page.evaluate("new URLSearchParams(location.hash.slice(1)).get('draw')")
    assert len(strokes) == 5  # one stroke of one point


def test_the_first_picture_stands_still_where_less_motion_is_asked_for(visit, mnist):
    page = visit(mnist, reduced_motion="reduce")
    answered(page)
    expect(page.locator(".verdict .figure")).to_have_text("7")
    assert page.locator("#answer.veiled").count() == 0


@pytest.mark.parametrize("size", [(1366, 768), (1024, 768)])
def test_the_drawer_keeps_products_and_total_in_sight_and_the_network_in_its_place(visit, mnist, size):
    page = visit(mnist + RELU + "&example=14", width=size[0], height=size[1])
    answered(page)
    before = box_of(page, '.head[data-layer="features.0"]')
    calculated(page, "features.3~9~4~4")
    for place in (".result.ours", ".numbers >> nth=0", ".numbers >> nth=1", ".numbers >> nth=2"):
        expect(page.locator(place)).to_be_in_viewport(ratio=0.99)
    assert (
        box_of(page, ".classes li:last-child")["x"] >= box_of(page, "#drawer")["x"] + box_of(page, "#drawer")["width"]
    )
    after = box_of(page, '.head[data-layer="features.0"]')
    assert (after["x"], after["width"]) == (before["x"], before["width"])
    # What is scrolled out from under the drawer is where it is painted, and what has the focus comes out as well.
    page.locator(".scroller").evaluate("scroller => { scroller.scrollTop = 60 }")
    assert box_of(page, ".network-canvas")["y"] == pytest.approx(box_of(page, ".world")["y"] + 60, abs=2)
    # The names stay at the upper edge, above their columns, when their heads are gone.
    name = page.locator(".stuck button", has_text="Conv 2")
    expect(name).to_be_in_viewport(ratio=1)
    assert box_of(page, ".stuck .chosen")["x"] == pytest.approx(box_of(page, ".head.chosen")["x"], abs=1)
    assert box_of(page, ".stuck .chosen")["y"] == pytest.approx(box_of(page, ".scroller")["y"], abs=1)
    page.locator(".thumb").first.focus()
    for _ in range(19):
        page.keyboard.press("Tab")
        until(page, UNCOVERED)
    low = box_of(page, "#drawer")
    page.locator(".grip").focus()
    page.keyboard.press("ArrowUp")
    assert box_of(page, "#drawer")["height"] == pytest.approx(low["height"] + 32, abs=1)
    # The map in the drawer, however small, is hit where it is pointed at.
    own = box_of(page, ".own .mapbox")
    page.mouse.click(own["x"] + 0.92 * own["width"], own["y"] + 0.92 * own["height"])
    expect(page.locator(".path")).to_contain_text("row 9, column 9")


@pytest.mark.parametrize("size", [(1366, 768), (1024, 768)])
def test_for_a_class_type_is_large_and_products_and_total_stay_in_sight(visit, mnist, size):
    page = visit(mnist + RELU + "&example=14&at=features.3~9~4~4", width=size[0], height=size[1])
    expect(page.locator(".calculation[aria-busy=false] .result.theirs")).to_be_visible()
    digits = box_of(page, ".numbers .cells > :first-child")["width"]
    page.get_by_role("button", name="Share").click()
    page.get_by_role("menuitem", name="Presenter mode").click()
    expect(page.locator("body")).to_have_class(re.compile("presenting"))
    assert box_of(page, ".numbers .cells > :first-child")["width"] > digits
    for place in (".result.ours", ".numbers >> nth=0", ".numbers >> nth=1", ".numbers >> nth=2"):
        expect(page.locator(place)).to_be_in_viewport(ratio=0.99)
    fits = "all => all.every(one => one.scrollWidth <= one.clientWidth)"
    assert page.locator(".numbers .cells > *").evaluate_all(fits)
    page.locator("#to-lesson").click()
    expect(page.locator(".lesson-text")).to_have_css("font-size", "19px" if size[0] > 1299 else "17px")


def test_on_a_tablet_held_upright_picture_answer_and_network_are_in_sight(visit, mnist):
    page = visit(mnist + RELU + "&example=14", width=820, height=1180, has_touch=True, reduced_motion="reduce")
    answered(page)
    for place in (".board", ".verdict .figure", ".classes li:last-child"):
        expect(page.locator(place)).to_be_in_viewport(ratio=1)
    expect(page.locator("#network")).to_be_in_viewport(ratio=0.85)


def test_on_a_phone_a_tapped_layer_opens_in_sight(visit, mnist):
    page = visit(mnist + RELU + "&example=14", width=390, height=844, has_touch=True, reduced_motion="reduce")
    answered(page)
    page.locator(".thumb").first.click()
    expect(page.locator(".verdict .figure")).to_have_text("0")
    for place in (".thumb >> nth=0", ".verdict .figure"):
        expect(page.locator(place)).to_be_in_viewport(ratio=1)
    page.locator('.head[data-layer="features.0"]').click()
    expect(page.locator(".drawer-head")).to_be_in_viewport()
    expect(page.locator(".about p").first).to_be_in_viewport()
    # So does a value that a link leads to, although what is above and below it comes later.
    page.goto("about:blank")
    page.goto(mnist + RELU + "&example=14&at=features.0~1~9~9")
    expect(page.locator(".result.theirs")).to_be_visible()
    expect(page.locator(".drawer-head")).to_be_in_viewport()


def test_a_slow_click_on_an_example_counts_while_the_page_still_draws(visit, mnist):
    page = visit(mnist)
    thumb = page.locator(".thumb").nth(2)  # a one
    expect(thumb).to_be_visible()
    # By the bare mouse: a click of Playwright's would wait until the page has come to rest.
    middle = """() => {
        document.querySelectorAll('.thumb')[2].scrollIntoView({ block: 'center' });
        const box = document.querySelectorAll('.thumb')[2].getBoundingClientRect();
        return [box.x + box.width / 2, box.y + box.height / 2];
    }"""
    page.mouse.move(*page.evaluate(middle))
    page.mouse.down()
    page.wait_for_timeout(400)  # as long as a person's click: the picture that was drawn changes meanwhile
    page.mouse.up()
    expect(thumb).to_have_attribute("aria-pressed", "true")
    answered(page)
    expect(page.locator(".figure")).to_have_text("1")


def test_the_class_predicts_before_the_answer_is_shown(visit, mnist):
    page = visit(mnist + RELU + "&example=14", width=1366, height=768)
    answered(page)
    page.get_by_role("button", name="Predict first").click()
    expect(page.locator(".chance")).to_be_hidden()
    expect(page.locator(".classes .best")).to_have_count(0)
    page.locator(".thumb").nth(8).click()  # a four
    expect(page.locator("#answer")).to_have_attribute("aria-busy", "false")
    expect(page.get_by_text("What will the network say?")).to_be_visible()
    page.get_by_role("button", name="I say 9").click()
    expect(page.get_by_text("You say 9.")).to_be_visible()
    page.get_by_role("button", name="Show the answer").click()
    expect(page.locator(".figure")).to_have_text("4")
    expect(page.locator(".chance")).to_be_visible()
    expect(page.get_by_text(re.compile(r"You said 9; the network gives it [<\d. ]+ %"))).to_be_visible()
    page.locator(".thumb").nth(3).click()
    expect(page.locator(".chance")).to_be_hidden()
    expect(page.locator("#answer")).to_have_attribute("aria-busy", "false")
    # A presenter's keys lead from layer to layer, and at the end to the answer.
    page.get_by_role("button", name="Share").click()
    page.get_by_role("menuitem", name="Presenter mode").click()
    for layer in ("features.0", "features.1"):
        page.keyboard.press("ArrowRight")
        expect(page.locator(".path")).to_have_text(layer)
    page.keyboard.press("PageUp")
    expect(page.locator(".path")).to_have_text("features.0")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#drawer")).to_be_hidden()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".path")).to_have_text("classifier.4")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".figure")).to_have_text("1")
    expect(page.locator(".chance")).to_be_visible()
    # And S lights the pointer's place alone; Escape ends that, and only then what else it ends.
    page.locator('.head[data-layer="features.0"]').click()
    page.mouse.move(600, 300)
    page.keyboard.press("s")
    expect(page.locator(".spotlight")).to_be_visible()
    assert page.locator(".spotlight").evaluate("one => one.style.getPropertyValue('--x')") == "600px"
    page.keyboard.press("Escape")
    expect(page.locator(".spotlight")).to_be_hidden()
    expect(page.locator("#drawer")).to_be_visible()
