"""The maps between a convolution's inputs and its map add up to the map, whatever the number of inputs."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .conftest import RELU, calculated, drawn, number

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
