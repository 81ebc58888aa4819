"""The network in space: it turns, says what lies below the pointer, and opens what is clicked."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .conftest import answered, box_of, eventually


@pytest.fixture
def space(visit, mnist):
    page = visit(mnist + "#model=mnist-relu", reduced_motion="reduce")
    page.locator(".thumb").nth(4).click()
    answered(page)
    page.get_by_role("button", name="3D").click()
    box_of(page, ".three-canvas")
    return page


def pixels(page):
    """What is painted, once everything that was asked for has been painted: that takes a frame at most."""
    return page.locator(".three-canvas").evaluate("""canvas => new Promise(done =>
      requestAnimationFrame(() => requestAnimationFrame(() => done(canvas.toDataURL()))))""")


def test_it_turns_by_mouse_and_keyboard_and_goes_home(space):
    page = space
    home = pixels(page)
    box = box_of(page, ".three-canvas")
    page.mouse.move(box["x"] + 300, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 420, box["y"] + 60, steps=4)
    page.mouse.up()
    eventually(page, lambda: pixels(page) != home)
    turned = pixels(page)
    page.locator(".three-canvas").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("+")
    eventually(page, lambda: pixels(page) != turned)
    page.keyboard.press("0")
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.locator(".three-canvas").evaluate("canvas => canvas.blur()")
    eventually(page, lambda: pixels(page) == home)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="3D").click()
    expect(page.locator("#network .head").first).to_be_visible()


def test_the_pointer_finds_maps_and_a_click_opens_the_arithmetic(space):
    page = space
    box = box_of(page, ".three-canvas")
    tip = page.locator("#three .tip")
    found = []
    for column in range(4, 40):
        place = (box["x"] + box["width"] * column / 40, box["y"] + box["height"] * (0.75 - column / 80))
        page.mouse.move(*place)
        pixels(page)  # painted: the pointer finds what it sees
        if tip.is_visible():
            found.append((*tip.locator("b").inner_text().split(", ")[:2], place))
    assert len({layer for layer, *_ in found}) >= 4  # one behind the other
    _, value, place = found[-1]
    page.mouse.click(*place)
    expect(page.locator("#drawer .path")).to_contain_text(value.split(":")[0])


def test_layers_are_walked_through_without_a_pointer(space):
    page = space
    page.locator(".three-canvas").focus()
    for _ in range(2):
        page.keyboard.press("n")
    expect(page.locator("#three [role=status]")).to_contain_text("Conv 1 (features.0): convolution")
    page.keyboard.press("Enter")
    expect(page.locator("#drawer .path")).to_contain_text("features.0")


def test_planes_are_not_mirrored_and_hit_where_they_are_painted(space):
    # The corners of a plane on the canvas, and the place that the pointer finds there, by the same matrix.
    answer = space.evaluate("""async () => {
      const [{ camera }, { planeAt }] = await Promise.all([import("/three/camera.js"), import("/three/paint.js")]);
      const eye = camera();
      eye.fit([{ z: -3, wide: 1, tall: 1 }, { z: 3, wide: 1, tall: 1 }], { width: 800, height: 600 });
      const [left, right, top, bottom] = [[-1, 0, 0], [1, 0, 0], [0, -1, 0], [0, 1, 0]].map(eye.project);
      const data = new Uint8Array(12).map((_, i) => i * 20);
      const plane = { matrix: [100, 20, -10, 90, 50, 60], item: {}, known: { height: 3, width: 4 }, layer: "a", map: 2,
        picture: { data, low: 0, high: 255 } };
      const at = (u, v) => planeAt([plane], 100 * u - 10 * v + 50, 20 * u + 90 * v + 60);
      const [front, back] = [[0, 0, -3], [0, 0, 3]].map(eye.project);
      return { unmirrored: left.x < right.x && top.y < bottom.y, near: front.depth < back.depth,
        inside: at(0.6, 0.5), outside: at(1.1, 0.5) };
    }""")
    assert answer["unmirrored"]
    assert answer["near"]
    assert (answer["inside"]["y"], answer["inside"]["x"], answer["inside"]["value"]) == (1, 2, 120)
    assert answer["outside"] is None
