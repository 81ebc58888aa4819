"""The maps between a convolution's inputs and its map add up to the map, whatever the number of inputs."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .conftest import RELU, answered, calculated, drawn, number, until
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


def test_a_map_stands_beside_another_pictures_and_shows_what_excites_it(visit, mnist):
    page = visit(mnist + RELU + "&example=14&at=features.3~9~4~4&with=example~3")
    answered(page)
    maps = page.locator(".beside-maps figure")
    expect(maps).to_have_count(3)
    expect(maps.nth(0)).to_contain_text("7")
    expect(maps.nth(1)).to_contain_text("1")
    expect(page.locator(".beside-words")).to_contain_text("Both maps on one scale")
    select = page.get_by_label("Beside this map")
    select.select_option("model~mnist-lenet5")
    expect(page.get_by_text("The other network has no layer features.3")).to_be_visible()
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
    expect(page.locator(".about")).to_be_visible()


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
