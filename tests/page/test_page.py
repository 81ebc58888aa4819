"""The page in a real browser, as a person uses it: the bundled digit reader."""

from __future__ import annotations

import csv
import io
import json

import pytest

from .conftest import chances, draw, number, select, until

RELU = "#model=mnist-relu"


def drawn(visit, address, **options):
    page = visit(address, **options)
    draw(page)
    settled(page)
    return page


def settled(page):
    """The newest picture has been answered."""
    page.locator(".chance").wait_for()
    page.locator("#answer[aria-busy=false]").wait_for()


def test_a_drawn_seven_is_read_as_seven_in_every_bundled_network(visit, mnist):
    page = drawn(visit, mnist)
    names = page.locator("select.classifier option").evaluate_all("options => options.map(o => o.value)")
    assert "mnist-relu" in names
    for name in names:
        page.locator("select.classifier").select_option(name)
        until(page, "name => location.hash.includes('model=' + name)", name)
        settled(page)
        assert page.locator(".verdict .figure").inner_text() == "7"
        assert sum(chances(page).values()) == pytest.approx(100, abs=0.5)


def test_one_stroke_at_a_time_goes_to_the_server(visit, mnist):
    page = visit(mnist + RELU)
    flight = {"now": 0, "most": 0, "all": 0}

    def count(change):
        def note(request):
            if "/api/forward" in request.url:
                flight["now"] += change
                flight["all"] += change > 0
                flight["most"] = max(flight["most"], flight["now"])

        return note

    page.on("request", count(1))
    page.on("requestfinished", count(-1))
    draw(page, steps=12)
    until(page, "() => document.querySelector('.verdict .figure')?.textContent === '7'")
    page.wait_for_load_state("networkidle")
    assert flight["most"] == 1
    assert flight["now"] == 0
    assert flight["all"] > 1  # it answers while the line is drawn


def test_an_answer_to_a_cleared_drawing_is_dropped(visit, mnist):
    page = visit(mnist + RELU)
    held, free = [], []
    page.route("**/api/forward*", lambda route: route.continue_() if free else held.append(route))
    draw(page)
    page.locator(".board").focus()
    page.keyboard.press("c")
    page.wait_for_timeout(100)
    free.append(True)
    for route in held:
        route.continue_()
    page.wait_for_timeout(400)
    assert page.locator(".board-hint").is_visible()
    assert page.locator(".verdict .figure").count() == 0


def test_products_add_up_to_the_value_and_to_the_networks_own(visit, mnist):
    page = drawn(visit, mnist + RELU)
    page.locator('.head[data-layer="features.3"]').click()
    page.locator(".layer-map").nth(5).click()
    assert page.locator(".sums .number").first.inner_text() == ""  # no place yet, so kernels alone
    page.locator(".mapbox.movable").click(position={"x": 80, "y": 90})
    page.locator(".calculation[aria-busy=false] .result.theirs").wait_for()
    maps = page.locator(".sums button.sumline")
    assert maps.count() == 6
    total = 0.0
    for i in range(6):
        maps.nth(i).click()
        grids = [
            [
                float(v)
                for v in page.locator(".numbers")
                .nth(g)
                .locator(".cells button")
                .evaluate_all("c => c.map(b => b.dataset.value)")
            ]
            for g in range(3)
        ]
        assert [len(grid) for grid in grids] == [25, 25, 25]
        for value, weight, product in zip(*grids, strict=True):
            assert value * weight == pytest.approx(product, abs=1e-6)
        assert sum(grids[2]) == pytest.approx(number(maps.nth(i).locator(".number").inner_text()), abs=1e-3)
        total += sum(grids[2])
    total += number(page.locator(".sumline.bias .number").inner_text())
    ours = page.locator(".result.ours output").inner_text()
    assert total == pytest.approx(number(ours), abs=1e-3)
    assert number(ours) == number(page.locator(".result.theirs output").inner_text())
    assert page.locator(".result.theirs.same").count() == 1
    # Down to one product, and from there to the value that went in.
    page.locator(".numbers").nth(2).locator(".cells button").nth(12).click()
    left, right = page.locator(".product output").inner_text().split(" = ")
    value, weight = map(number, left.split(" × "))
    assert value * weight == pytest.approx(number(right), abs=1e-5)
    page.locator(".product button").click()
    assert page.locator(".path").inner_text().startswith("features.2")


def test_every_kind_of_layer_ends_in_the_networks_own_value(visit, mnist):
    page = drawn(visit, mnist + RELU)
    places = [
        "features.0~2~10~10", "features.1~2~10~10", "features.2~2~5~5", "features.3~9~4~4", "features.4~9~4~4",
        "features.5~9~2~2", "flatten~120~0~0", "classifier.0~7~0~0", "classifier.1~7~0~0", "classifier.4~7~0~0",
    ]  # fmt: skip
    for place in [*places, "softmax()~7~0~0"]:
        select(page, place)
        layer = place.split("~")[0].removesuffix("()")
        until(page, "layer => document.querySelector('.path').textContent.startsWith(layer)", layer)
        page.locator(".calculation[aria-busy=false] .result.theirs.same").wait_for()
        ours = page.locator(".result.ours output").inner_text().removeprefix("= ")
        assert ours == page.locator(".result.theirs output").inner_text()


def test_escape_goes_back_level_by_level(visit, mnist):
    page = drawn(visit, mnist + RELU)
    select(page, "features.3~9~4~4")
    page.locator(".result.theirs").wait_for()
    page.locator(".numbers").first.locator(".cells button").first.click()
    levels = []
    for _ in range(5):
        levels.append(page.locator(".path > *").count())
        page.keyboard.press("Escape")
    assert levels == [4, 3, 2, 1, 0]
    assert page.locator("#drawer").is_hidden()


def test_receptive_field_and_backwards(visit, mnist):
    page = drawn(visit, mnist + RELU)
    # By hand: 5 for the first convolution, doubled steps behind the pooling: 5 + 1 + 4 * 2 = 14.
    sizes = {"features.0": 5, "features.2": 6, "features.3": 14}
    scroller = page.locator(".scroller").bounding_box()
    for layer, size in sizes.items():
        head = page.locator(f'.head[data-layer="{layer}"]').bounding_box()
        middle = head["x"] + head["width"] / 2 - 8
        page.mouse.move(middle, scroller["y"] + scroller["height"] / 2 - 20)
        page.mouse.move(middle, scroller["y"] + scroller["height"] / 2 - 16)
        page.get_by_text(f"The value looks at {size} × {size} pixels").wait_for()
        assert layer in page.locator(".tip").inner_text()
    seen = page.locator(".seen-picture").bounding_box()
    page.mouse.move(seen["x"] + 50, seen["y"] + 50)
    page.get_by_text("all units that see this pixel are marked").wait_for()


def test_a_channel_off_and_a_kernel_edited_change_the_answer_until_reset(visit, mnist):
    page = drawn(visit, mnist + RELU)
    page.locator(".classes button").nth(7).click()
    page.locator(".result.theirs").wait_for()
    before = page.locator(".softmax .chosen td").first.inner_text()
    logit = "document.querySelector('.softmax .chosen td')?.textContent"
    theirs = "document.querySelector('.result.theirs output').textContent"
    select(page, "features.3~9")
    page.get_by_role("button", name="Switch off").click()
    page.get_by_role("button", name="Undo the change").wait_for()
    page.locator(".before").first.wait_for()
    select(page, "softmax()~7~0~0")
    until(page, f"before => {logit} && {logit} !== before", before)
    page.get_by_role("button", name="Undo the change").click()
    until(page, f"before => {logit} === before", before)

    select(page, "features.0~0~10~10")
    page.get_by_role("button", name="Change the kernel").click()
    own = page.locator(".result.theirs output").inner_text()
    page.locator(".cells input").nth(12).fill("3")
    until(page, f"own => {theirs} !== own", own)
    page.get_by_role("button", name="The learned numbers again").click()
    until(page, f"own => {theirs} === own", own)


def test_gradients_and_heat_maps(visit, mnist):
    page = drawn(visit, mnist + RELU)
    page.get_by_role("button", name="Backward: gradients").click()
    page.get_by_text("loss").wait_for()
    assert page.locator('.head[data-layer="features.0"] small').inner_text().startswith("‖∂‖")
    loss = page.locator(".toolbar .soft").inner_text()
    page.get_by_label("If the truth is").select_option("2")
    until(page, "loss => document.querySelector('.toolbar .soft').textContent !== loss", loss)
    page.get_by_role("button", name="Forward: values").click()
    page.get_by_role("button", name="Why this answer?").click()
    page.locator(".heat").nth(1).wait_for()
    for method in ("saliency", "integrated-gradients"):
        page.get_by_label("Method").select_option(method)
        until(page, "() => !document.querySelector('.why-figure.busy')")
        assert page.locator(".why-figure .problem").count() == 0
    figure = page.locator(".chance").inner_text()
    page.mouse.move(0, 0)
    cover = page.locator(".cover").bounding_box()
    page.mouse.move(cover["x"] + 60, cover["y"] + 55)
    page.mouse.down()
    page.mouse.move(cover["x"] + 150, cover["y"] + 60, steps=6)
    page.mouse.up()
    until(page, "before => document.querySelector('.chance').textContent !== before", figure)
    page.get_by_role("button", name="Uncover").click()
    until(page, "before => document.querySelector('.chance').textContent === before", figure)


def test_both_languages(visit, mnist):
    page = drawn(visit, mnist + RELU)
    assert page.locator("#answer-title").inner_text() == "The answer"
    page.get_by_role("button", name="中文").click()
    page.get_by_role("button", name="为什么这样回答？").wait_for()
    assert page.locator("html").get_attribute("lang") == "zh-Hans"
    assert page.locator("#answer-title").inner_text() == "回答"
    assert "卷积" in page.locator('.head[data-layer="features.0"]').inner_text()
    left = page.locator("body").inner_text()
    assert not {"The answer", "Share", "Upload", "Forward", "strongest", "maps"} & set(left.split())
    page.get_by_role("button", name="EN", exact=True).click()
    page.get_by_role("button", name="Why this answer?").wait_for()


def test_keyboard_alone(visit, mnist):
    page = drawn(visit, mnist + RELU)
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className") == "scroller":
            break
    assert page.evaluate("document.activeElement.matches(':focus-visible')")
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    assert page.locator(".path").inner_text().split("\n")[0].strip() == "features.0"
    page.locator(".cells >> visible=true").first.wait_for()
    for _ in range(40):
        page.keyboard.press("Tab")
        if "movable" in page.evaluate("document.activeElement.className"):
            break
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.get_by_text("row 1, column 1").first.wait_for()
    for _ in range(3):
        page.keyboard.press("Escape")
    assert page.locator("#drawer").is_hidden()


def test_the_window_slides_by_itself_and_waits_for_reduced_motion(visit, mnist):
    page = drawn(visit, mnist + RELU)
    select(page, "features.5~3")
    page.get_by_role("button", name="Slide the window").click()
    page.get_by_text("row 0, column 2").first.wait_for()
    page.get_by_role("button", name="Stop").click()
    calm = drawn(visit, mnist + RELU, reduced_motion="reduce")
    select(calm, "features.5~3")
    calm.get_by_role("button", name="Next place").click()
    calm.get_by_text("row 0, column 0").first.wait_for()


def test_a_link_holds_the_drawing_the_place_the_language_and_the_theme(visit, mnist):
    page = drawn(visit, mnist + RELU)
    select(page, "features.3~9~4~4")
    page.get_by_role("button", name="中文").click()
    page.locator("#top .tool").click()
    until(page, "() => location.hash.includes('lang=zh') && location.hash.includes('theme=light')")
    value = page.locator(".result.theirs output").inner_text()
    other = visit(page.url)
    other.locator(".result.theirs").wait_for()
    assert other.locator(".result.theirs output").inner_text() == value
    assert other.locator("html").get_attribute("data-theme") == "light"
    assert other.locator(".verdict .figure").inner_text() == "7"


def test_a_picture_and_the_numbers_can_be_saved(visit, mnist):
    page = drawn(visit, mnist + RELU)
    select(page, "classifier.4~7~0~0")
    page.locator(".result.theirs").wait_for()

    def save(words):
        page.get_by_role("button", name="Share").click()
        with page.expect_download() as download:
            page.get_by_role("menuitem", name=words).click()
        return download.value.path().read_bytes()

    assert save("picture")[:8] == b"\x89PNG\r\n\x1a\n"
    rows = list(csv.DictReader(io.StringIO(save("CSV").decode("utf-8-sig"))))
    terms = [float(row["product"]) for row in rows if row["product"]]
    ends = {row["input"]: float(row["value"]) for row in rows if row["input"] in ("bias", "value", "network_value")}
    assert len(terms) == 84
    assert sum(terms) + ends["bias"] == pytest.approx(ends["network_value"], abs=1e-4)
    numbers = json.loads(save("JSON"))
    assert numbers["probabilities"][0]["label"] == "7"
    assert len(numbers["layers"]) == len(numbers["nodes"])


def test_a_phone_needs_no_sideways_scroll(visit, mnist):
    page = drawn(visit, mnist + RELU, width=390, height=844, has_touch=True)
    for place in (None, "features.3~9~4~4", "classifier.4~7~0~0", "softmax()~7~0~0", "features.3"):
        if place:
            select(page, place)
            page.locator("#drawer").wait_for()
            page.wait_for_timeout(150)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), place
    for language in ("中文", "EN"):
        page.get_by_role("button", name=language, exact=True).click()
        page.wait_for_timeout(100)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), language


def test_a_camera_that_is_not_there_is_explained(visit, mnist):
    page = visit(mnist + RELU)
    page.get_by_role("button", name="Camera").click()
    page.get_by_text("There is no camera here").or_(page.get_by_text("does not let this page")).wait_for()
