"""The maps between a convolution's inputs and its map add up to the map, whatever the number of inputs."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from .conftest import RELU, answered, box_of, calculated, drawn, number, until
from .conftest import select as select_place

MIDDLE = "all => all.map(one => one.values[4 * 10 + 4])"


def test_the_maps_between_add_up_to_the_networks_own_value(visit, mnist):
    page = drawn(visit, mnist + RELU)
    calculated(page, "features.3~9~4~4")
    partials = page.locator(".partial")
    expect(partials).to_have_count(7)  # six input maps, and their sum
    *parts, total = partials.evaluate_all(MIDDLE)
    bias = number(page.locator(".sumline.bias .number").inner_text())
    assert sum(parts) + bias == pytest.approx(total, abs=1e-3)
    theirs = number(page.locator(".result.theirs output").inner_text())
    assert total == pytest.approx(theirs, abs=0.03)  # maps come in 256 levels
    expect(page.locator(".between h3")).to_have_count(1)
    check = page.locator(".partial-check").evaluate("one => ({ ...one.dataset })")
    assert 0 < float(check["off"]) <= float(check["allowed"]) < 0.1 * abs(total) + 0.2
    calculated(page, "features.4~9~4~4")  # no convolution
    expect(partials).to_have_count(0)


def test_a_map_opens_into_the_maps_that_add_up_to_it(visit, mnist):
    page = visit(mnist + RELU + "&example=14")
    answered(page)
    select_place(page, "features.3~9")
    expect(page.locator(".adding")).to_have_count(1)  # one after the other
    expect(page.locator(".adding")).to_have_count(0)
    assert box_of(page, ".adds")["y"] < box_of(page, ".unit")["y"]
    page.locator(".partial-box").nth(2).click(position={"x": 30, "y": 30})
    expect(page.locator(".path")).to_contain_text("row 4, column 4")
    expect(page.locator(".sumline[aria-pressed=true]")).to_contain_text("map 2")
    *parts, total = (number(text) for text in page.locator(".partial b").all_inner_texts())
    bias = number(page.locator(".partial-bias").inner_text().split()[-1])
    assert len(parts) == 6 and sum(parts) + bias == pytest.approx(total, abs=0.02)
    page.locator(".numbers").first.locator("button").nth(7).click()
    expect(page.locator(".flying")).not_to_have_count(0)  # two factors, then their product
    expect(page.locator(".product")).to_contain_text("=")
    expect(page.locator(".flying")).to_have_count(0)
    # LeNet-5's table connects this map with three of six.
    page.evaluate("location.hash = '#model=mnist-lenet5&example=14&at=C3~3&lang=en'")
    expect(page.locator(".partial figcaption")).to_have_text(["map 3", "map 4", "map 5", "C3, map 3"])
    expect(page.locator(".sums h3")).to_have_text("3 kernels, one for each input map")
    nodes = page.evaluate("fetch('/api/network?classifier=mnist-lenet5').then((answer) => answer.json())")["nodes"]
    table = next(node for node in nodes if node["name"] == "C3")["attributes"]["table"]
    assert table[3] == [3, 4, 5] and table[15] == list(range(6))
    feeds = """([classifier, place, way]) => Promise.all([import("/network/feeds.js"),
        fetch(`/api/network?classifier=${classifier}`).then((answer) => answer.json())]).then(([module, network]) =>
      module[way]({ ...network, byName: new Map(network.nodes.map((node) => [node.name, node])) }, place)
        .map(({ from, to }) => (way === "inputsOf" ? [from.layer, from.map] : [to.layer, to.map])))"""
    around = [
        ("mnist-lenet5", {"layer": "C3", "map": 3}, "inputsOf", [["f2", i] for i in (3, 4, 5)]),
        ("mnist-lenet5", {"layer": "f2", "map": 0}, "outputsOf", [["C3", i] for i in range(16) if 0 in table[i]]),
        ("mnist-lenet5", {"layer": "C3", "map": 3}, "outputsOf", [["f3", 3]]),
        ("mnist-relu", {"layer": "features.5", "map": 2, "y": 1, "x": 3}, "outputsOf", [["flatten", 2 * 25 + 5 + 3]]),
        ("mnist-relu", {"layer": "features.3", "map": 9}, "inputsOf", [["features.2", i] for i in range(6)]),
    ]
    for classifier, place, way, expected in around:
        assert page.evaluate(feeds, [classifier, place, way]) == expected
    # A click on a map in the network opens it as a whole, one into that a value.
    page.evaluate("location.hash = '#model=mnist-relu&example=14&lang=en'")
    expect(page.locator("#drawer")).to_be_hidden()
    expect(page.locator(".head[data-layer='features.0']")).to_contain_text("±")  # its values have come
    head, frame = box_of(page, ".head[data-layer='features.0']"), box_of(page, "#network")
    page.mouse.click(head["x"] + head["width"] / 2, frame["y"] + frame["height"] * 0.4)
    expect(page.locator(".path")).to_have_text(re.compile(r"map \d\s*$"))
    page.locator(".mapbox.movable").click(position={"x": 30, "y": 30})
    expect(page.locator(".path")).to_have_text(re.compile(r"map \d.*row \d+, column \d+$"))


def test_a_map_stands_beside_another_pictures_and_shows_what_excites_it(visit, mnist):
    page = visit(mnist + RELU + "&example=14&at=features.3~9~4~4&with=example~3")
    answered(page)
    maps = page.locator(".beside-maps figure")
    expect(maps).to_have_count(3)
    expect(maps.nth(0)).to_contain_text("7")
    expect(maps.nth(1)).to_contain_text("1")
    expect(page.locator(".beside-words")).to_contain_text("Both maps on one scale")
    select = page.get_by_label("Beside this map")
    select.select_option("model~mnist-lenet5")  # where the second convolution has another name
    expect(page.locator(".beside-words")).to_contain_text("There it is C3")
    expect(maps).to_have_count(3)
    select.select_option("epoch~0")
    expect(maps.nth(1)).not_to_contain_text("99")
    select_place(page, "features.1~4~20~4")
    select.select_option("model~mnist-lenet5")
    expect(page.locator(".beside-words")).to_contain_text("There it is f1")
    select_place(page, "classifier.1~4~0~0")
    expect(page.locator(".beside-words")).to_contain_text("There it is f5")
    select_place(page, "flatten~4~0~0")
    expect(page.get_by_text("The other network has no layer flatten")).to_be_visible()
    select_place(page, "features.3")  # a layer has no map to stand beside, and none is asked for
    expect(maps).to_have_count(0)
    select_place(page, "features.3~9~4~4")
    select.select_option("")
    expect(maps).to_have_count(0)
    until(page, "() => !location.hash.includes('with=')")
    page.get_by_role("button", name="What excites this map most?").click()
    expect(page.get_by_text("The strongest of 20 example pictures")).to_be_visible()
    patches = page.locator(".excite-patch")
    expect(patches).to_have_count(6)
    values = [number(text.split()[-1]) for text in patches.all_inner_texts()]
    assert values == sorted(values, reverse=True)
    # A value of the second convolution sees 14 x 14 pixels.
    assert patches.first.locator("canvas").evaluate("one => Math.max(one.width, one.height) <= 14")
    patches.first.click()
    select_place(page, "features.3")
    expect(page.locator(".about h3")).to_have_text("Conv 2 · convolution 5×5, 16 maps")


def test_a_worksheet_of_a_fully_connected_value_has_its_strongest_products(visit, mnist):
    page = drawn(visit, mnist + RELU)
    calculated(page, "classifier.4~7~0~0")
    theirs = number(page.locator(".result.theirs output").inner_text())
    page.evaluate("window.print = () => {}")
    page.get_by_role("button", name="Share").click()
    page.get_by_role("menuitem", name="Print a worksheet").click()
    expect(page.locator(".solution")).to_contain_text("of the 12 values that count most")
    products = [number(text) for text in page.locator(".solution table").last.locator("td").all_inner_texts()]
    given = [number(text.rpartition(":")[2]) for text in page.locator(".solution li").all_inner_texts()]
    total, value = (number(text) for text in page.locator(".solution .blank").all_inner_texts())
    assert len(products) == 12 and len(given) == 2 and total == pytest.approx(sum(products), abs=2e-3)
    assert value == pytest.approx(total + sum(given), abs=1e-3) and value == pytest.approx(theirs, abs=0.4)


def test_a_worksheet_leaves_blanks_and_has_the_solution(visit, mnist):
    page = drawn(visit, mnist + RELU)
    calculated(page, "features.3~9~4~4")
    theirs = number(page.locator(".result.theirs output").inner_text())
    page.evaluate("window.print = () => {}")  # a dialog that nobody would close
    page.get_by_role("button", name="Share").click()
    page.get_by_role("menuitem", name="Print a worksheet").click()
    page.emulate_media(media="print")
    expect(page.locator(".exercise")).to_be_visible()
    expect(page.locator("main")).to_be_hidden()
    tables = page.locator(".solution table").evaluate_all(
        "all => all.map(table => [...table.querySelectorAll('td')].map(cell => cell.textContent))"
    )
    window, kernel, products = ([number(text) for text in texts] for texts in tables)
    assert len(window) == 25
    for value, weight, product in zip(window, kernel, products, strict=True):
        assert product == pytest.approx(value * weight, abs=6e-5)
    total, value = (number(text) for text in page.locator(".solution .blank").all_inner_texts())
    assert total == pytest.approx(sum(products), abs=2e-3)
    given = [number(text.rpartition(":")[2]) for text in page.locator(".solution li").all_inner_texts()]
    assert value == pytest.approx(total + sum(given), abs=1e-3) and value == pytest.approx(theirs, abs=0.4)
    assert page.locator(".exercise table").last.inner_text().strip("\n\t ") == "products"
    assert page.locator(".exercise .blank").all_inner_texts() == ["", ""]
