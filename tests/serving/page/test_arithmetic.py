"""Every number that the page shows can be followed to where it comes from, and changed: the bundled digit reader."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

import convscope as cs

from .conftest import RELU, answered, box_of, calculated, drawn, eventually, number, select, until


def grids(page):
    """The numbers of window, kernel and products, all of one moment."""
    return page.locator(".numbers").evaluate_all(
        "all => all.map(one => [...one.querySelectorAll('.cells button')].map(cell => Number(cell.dataset.value)))"
    )


def test_products_add_up_to_the_value_and_to_the_networks_own(visit, mnist):
    page = drawn(visit, mnist + RELU)
    page.locator('.head[data-layer="features.3"]').click()
    page.locator(".layer-map").nth(5).click()
    expect(page.locator(".sums .number").first).to_have_text("")  # no place yet, so kernels alone
    page.locator(".mapbox.movable").click(position={"x": 80, "y": 90})
    expect(page.locator(".calculation[aria-busy=false] .result.theirs")).to_be_visible()
    maps = page.locator(".sums button.sumline")
    expect(maps).to_have_count(6)
    total = 0.0
    for i in range(6):
        maps.nth(i).click()
        own = number(maps.nth(i).locator(".number").inner_text())
        eventually(page, lambda own=own: sum(grids(page)[2]) == pytest.approx(own, abs=1e-3))
        values, weights, products = grids(page)
        assert [len(values), len(weights), len(products)] == [25, 25, 25]
        for value, weight, product in zip(values, weights, products, strict=True):
            assert value * weight == pytest.approx(product, abs=1e-6)
        total += sum(products)
    total += number(page.locator(".sumline.bias .number").inner_text())
    ours = page.locator(".result.ours output").inner_text()
    assert total == pytest.approx(number(ours), abs=1e-3)
    assert number(ours) == number(page.locator(".result.theirs output").inner_text())
    expect(page.locator(".result.theirs.same")).to_have_count(1)
    # Down to one product, and from there to the value that went in.
    page.locator(".numbers").nth(2).locator(".cells button").nth(12).click()
    expect(page.locator(".product output")).to_have_text(re.compile(" × .* = "))
    left, right = page.locator(".product output").inner_text().split(" = ")
    value, weight = map(number, left.split(" × "))
    assert value * weight == pytest.approx(number(right), abs=1e-5)
    page.locator(".product button").click()
    expect(page.locator(".path")).to_have_text(re.compile(r"^features\.2"))


def test_every_kind_of_layer_ends_in_the_networks_own_value(visit, mnist):
    page = drawn(visit, mnist + RELU)
    places = [
        "features.0~2~10~10", "features.1~2~10~10", "features.2~2~5~5", "features.3~9~4~4", "features.4~9~4~4",
        "features.5~9~2~2", "flatten~120~0~0", "classifier.0~7~0~0", "classifier.1~7~0~0", "classifier.4~7~0~0",
    ]  # fmt: skip
    for place in [*places, "softmax()~7~0~0"]:
        calculated(page, place)
        expect(page.locator(".result.theirs.same")).to_be_visible()
        ours = page.locator(".result.ours output").inner_text().removeprefix("= ")
        assert ours == page.locator(".result.theirs output").inner_text()


GONE = """() => {
  const whole = window.fetch;
  window.fetch = (...request) => (String(request[0]).includes("/api/arithmetic/") && !window.isBack
    ? Promise.reject(new TypeError("gone")) : whole(...request));
}"""


def test_numbers_that_could_not_be_had_can_be_asked_for_again(visit, mnist):
    page = drawn(visit, mnist + RELU)
    page.evaluate(GONE)
    select(page, "features.3~9~4~4")
    note = page.locator("#legend [role=alert]")
    expect(note).to_contain_text("then press “Try again”")
    page.evaluate("() => { window.isBack = true; }")
    page.locator("#legend").get_by_role("button", name="Try again").click()
    expect(page.locator(".result.theirs.same")).to_be_visible()
    expect(note).to_have_count(0)


def test_a_late_answer_for_another_layer_is_dropped(visit, mnist):
    page = drawn(visit, mnist + RELU)
    held: list = []
    page.route("**/api/arithmetic/**", lambda route: held.append(route))
    until(page, "() => location.hash.includes('draw=')")
    select(page, "classifier.4~7~0~0")
    eventually(page, lambda: len(held) >= 1)
    select(page, "softmax()~7~0~0")
    expect(page.locator(".path")).to_have_text(re.compile(r"^\s*softmax"))
    answered(page)
    ours = page.locator(".result.ours output")
    chance = ours.inner_text()
    with page.expect_response("**/api/arithmetic/**"):
        held[-1].continue_()
    page.evaluate("() => fetch('health').then(answer => answer.text())")  # by then the page has seen the other answer
    expect(ours).to_have_text(chance)
    expect(page.locator(".softmax")).to_be_visible()


def test_escape_goes_back_level_by_level(visit, mnist):
    page = drawn(visit, mnist + RELU)
    calculated(page, "features.3~9~4~4")
    page.locator(".numbers").first.locator(".cells button").first.click()
    for level in (4, 3, 2, 1):
        expect(page.locator(".path > *")).to_have_count(level)
        page.keyboard.press("Escape")
    expect(page.locator("#drawer")).to_be_hidden()
    expect(page.locator(".path > *")).to_have_count(0)


def test_the_window_slides_by_itself_and_waits_for_reduced_motion(visit, mnist):
    page = drawn(visit, mnist + RELU)
    select(page, "features.0~3")  # 28 x 28 places: it is still on its way when it is stopped
    page.get_by_role("button", name="Slide the window").click()
    value = page.locator(".own-value")
    expect(value).to_contain_text(re.compile("row 0, column [2-9]|row [1-9]"))
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Slide the window").wait_for()
    calm = drawn(visit, mnist + RELU, reduced_motion="reduce")
    select(calm, "features.5~3")
    calm.get_by_role("button", name="Next place").click()
    expect(calm.locator(".own-value")).to_contain_text("row 0, column 0")


def test_receptive_field_and_backwards(visit, mnist):
    page = drawn(visit, mnist + RELU)
    # By hand: 5 for the first convolution, doubled steps behind the pooling: 5 + 1 + 4 * 2 = 14.
    sizes = {"features.0": 5, "features.2": 6, "features.3": 14}
    plain = {"features.0": "Conv 1", "features.2": "Pool 1", "features.3": "Conv 2"}
    scroller = box_of(page, ".scroller")
    for layer, size in sizes.items():
        head = box_of(page, f'.head[data-layer="{layer}"]')
        middle = head["x"] + head["width"] / 2 - 8
        page.mouse.move(middle, scroller["y"] + scroller["height"] / 2 - 20)
        page.mouse.move(middle, scroller["y"] + scroller["height"] / 2 - 16)
        page.get_by_text(f"The value looks at {size} × {size} pixels").wait_for()
        expect(page.locator(".tip")).to_contain_text(plain[layer])
    seen = box_of(page, ".seen-picture")
    page.mouse.move(seen["x"] + 50, seen["y"] + 50)
    page.get_by_text("all units that see this pixel are marked").wait_for()


def test_a_channel_off_and_a_kernel_edited_change_the_answer_until_reset(visit, mnist):
    page = drawn(visit, mnist + RELU)
    logit = page.locator(".softmax .chosen td").first
    theirs = page.locator(".result.theirs output")
    calculated(page, "softmax()~7~0~0")
    before = logit.inner_text()
    select(page, "features.3~9")
    page.get_by_role("button", name="Switch off").click()
    page.get_by_role("button", name="Undo the change").wait_for()
    page.locator(".before").first.wait_for()
    calculated(page, "softmax()~7~0~0")
    expect(logit).not_to_have_text(before)
    page.get_by_role("button", name="Undo the change").click()
    expect(logit).to_have_text(before)

    calculated(page, "features.0~0~10~10")
    own = theirs.inner_text()
    page.get_by_role("button", name="Change the kernel").click()
    page.locator(".cells input").nth(12).fill("3")
    expect(theirs).not_to_have_text(own)
    page.get_by_role("button", name="The learned numbers again").click()
    expect(theirs).to_have_text(own)


def test_an_answer_that_is_not_given_says_so_and_what_its_percentages_are_of(visit, mnist):
    page = visit(mnist + RELU + "&example=14&lang=en")
    expect(page.locator(".figure.unsure")).to_have_text("7")
    expect(page.locator(".chance")).to_have_text("likeliest, with a softmax of 98.7\u00a0%")
    expect(page.locator(".refusal")).to_contain_text("Unknown: the classifier abstains. Between 7 and 9:")
    calibrated, threshold = re.findall(r"([\d.]+)\u00a0%", page.locator(".refusal").inner_text())
    assert threshold == f"{100 * cs.load('mnist-relu').abstention.threshold:.1f}"
    assert float(calibrated) < float(threshold)


def test_the_place_of_a_token_is_named_in_full(visit, mnist):
    page = visit(mnist + RELU + "&lang=en&tab=convolution")
    words = page.evaluate("""() => import("/drawer/product.js").then(({ termPlace }) =>
      [[40, 7, null], [3], [2, 5, 8]].map((index) => termPlace({ input: "norm", index }, { byName: new Map() })))""")
    assert words == ["norm, row 40, column 7", "norm, value 3", "norm, map 2, row 5, column 8"]
    words = page.evaluate("""() => import("/network/tokens.js").then(({ outputIndex, positionText }) => {
      const [tokens, parts] = [{ axis: 0, prefix: 2 }, { shape: [6, 4, 5], table: [3, 2, 4, 5] }];
      const node = { shape: [8, 5, 4], table: [14, 8], tokens };
      return [[2, 1], [0, 3], [1, 0], [4, 3]].map(([y, x]) => [positionText(node, { y, x }),
        outputIndex(node, { map: 7, y, x })]).concat([outputIndex(parts, { map: 3, y: 2, x: 1 })]);
    })""")
    assert words == [
        ["patch in row 0, column 1", [3, 7]],
        ["token 0 before the patches", [0, 7]],
        ["token 1 before the patches", [1, 7]],
        ["patch in row 2, column 3", [13, 7]],
        [1, 1, 2, 1],
    ]
    heads = page.evaluate("""() => import("/network/headtext.js").then(({ headText }) =>
      [[197, 192], [84]].map((shape) => headText({ block: null, members: [],
        node: { name: "norm", kind: "norm", shape, inputs: [] } }, { nodes: [], groups: [] }).lines))""")
    assert heads == [["197×192", "first 197"], ["84"]]


def test_a_single_product_shows_both_its_factors(visit, mnist):
    page = visit(mnist + RELU + "&lang=en&tab=convolution")
    text = page.evaluate("""async () => {
      const { termList } = await import("/drawer/operations/terms.js");
      const term = { input: "mul", index: [3, 4, 2], value: 0.5, weight: 0.25, product: 0.125, padded: false };
      const [network, forward] = [{ byName: new Map() }, { layers: new Map() }];
      const arithmetic = { layer: "se", kind: "multiply", operation: "sum of products", terms: [term], bias: null,
        value: 0.125, network_value: 0.125, partial_sums: [] };
      const store = { state: { selected: { layer: "se", map: 3, y: 4, x: 2 }, network, forward } };
      return termList(store, arithmetic, {}).map((column) => column.textContent).join(" ");
    }""")
    assert "0.500000 × 0.250000 = 0.125000" in text and "One product" in text


def test_large_values_that_differ_by_the_rounding_of_single_precision_are_the_same(visit, mnist):
    page = visit(mnist + RELU + "&lang=en&tab=convolution")
    texts = page.evaluate("""() => import("/drawer/total.js").then(({ results, commonDecimals }) =>
      [[-251784829, -251784992], [-251784829, -252784992], [3e7, 5e7]].map(([value, network_value]) =>
        results({ value, network_value }, commonDecimals({ value, network_value })).textContent))""")
    assert [text.endswith("The same, to the digits shown.") for text in texts] == [True, False, False]
    assert texts[0].count("251785000") == 2
