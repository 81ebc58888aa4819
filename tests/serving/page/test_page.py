"""The page in a real browser, as a person uses it: drawing, languages, keyboard, links, files, a phone."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from playwright.sync_api import expect

from .conftest import (
    RELU,
    answered,
    box_of,
    calculated,
    chances,
    draw,
    drawn,
    eventually,
    number,
    select,
    until,
    written,
)


def test_a_drawn_seven_is_read_as_seven_in_every_bundled_network(visit, mnist):
    page = drawn(visit, mnist)
    names = page.locator("select.classifier option").evaluate_all("options => options.map(o => o.value)")
    assert "mnist-relu" in names
    for name in names:
        page.locator("select.classifier").select_option(name)
        until(page, "name => location.hash.includes('model=' + name)", name)
        expect(page.locator(".verdict .figure")).to_have_text("7")
        answered(page)
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
    answered(page)
    expect(page.locator(".verdict .figure")).to_have_text("7")
    eventually(page, lambda: flight["now"] == 0)
    assert flight["most"] == 1
    assert flight["all"] > 1  # it answers while the line is drawn


def test_an_answer_to_a_cleared_drawing_is_dropped(visit, mnist):
    page = visit(mnist + RELU)
    held, free = [], []
    page.route("**/api/forward*", lambda route: route.continue_() if free else held.append(route))
    draw(page)
    eventually(page, lambda: held)
    page.locator(".board").focus()
    page.keyboard.press("c")
    expect(page.locator(".board-hint")).to_be_visible()
    expect(page.locator("#answer")).to_have_attribute("aria-busy", "true")
    free.append(True)
    for route in held:
        route.continue_()
    expect(page.locator("#answer")).to_have_attribute("aria-busy", "false")
    assert page.locator(".board-hint").is_visible()
    assert page.locator(".verdict .figure").count() == 0


@pytest.mark.slow  # waits as long as a reader would
def test_an_answer_that_never_comes_can_be_asked_for_again(visit, mnist):
    page = visit(mnist + RELU)
    held = []
    page.route("**/api/forward*", lambda route: held.append(route))
    draw(page, steps=1)
    eventually(page, lambda: held)
    expect(page.locator("#answer")).to_contain_text("the computer or the connection is busy")  # not: a large network
    again = page.get_by_role("button", name="Try again")
    expect(again).to_be_visible(timeout=30_000)
    page.unroute_all(behavior="ignoreErrors")
    again.click()
    answered(page)


def test_clearing_can_be_undone_and_an_empty_board_has_no_answer(visit, mnist):
    page = drawn(visit, mnist + RELU)
    said = page.locator(".figure").inner_text()
    page.get_by_role("button", name="Eraser (E)").click()
    page.get_by_role("button", name="Clear (C)").click()
    expect(page.locator(".chance")).to_have_count(0)
    expect(page.get_by_role("button", name="Pen (P)")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Undo (Z)").click()
    answered(page)
    expect(page.locator(".figure")).to_have_text(said)
    page.get_by_role("button", name="Clear (C)").click()
    page.get_by_role("button", name="Eraser (E)").click()
    draw(page)  # with the eraser, over nothing
    expect(page.get_by_text("Draw something, or choose a picture")).to_be_visible()
    expect(page.locator(".chance")).to_have_count(0)


def test_both_languages(visit, mnist):
    page = drawn(visit, mnist + RELU)
    expect(page.locator("#answer-title")).to_have_text("The answer")
    page.get_by_role("button", name="中文").click()
    page.get_by_role("button", name="为什么这样回答？").wait_for()
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    expect(page.locator("#answer-title")).to_have_text("回答")
    expect(page.locator('.head[data-layer="features.0"]')).to_contain_text("卷积")
    english = {"answer", "Share", "Upload", "Forward:", "strongest", "maps"}
    eventually(page, lambda: not english & set(page.locator("body").inner_text().split()))
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
    expect(page.locator(".path > *").first).to_have_text("features.0")
    page.locator(".cells >> visible=true").first.wait_for()
    for _ in range(40):
        page.keyboard.press("Tab")
        if "movable" in page.evaluate("document.activeElement.className"):
            break
    page.keyboard.press("ArrowRight")
    expect(page.locator(".own-value")).to_contain_text("row 0, column 1")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".own-value")).to_contain_text("row 1, column 1")
    for level in (3, 2, 1):
        expect(page.locator(".path > *")).to_have_count(level)
        page.keyboard.press("Escape")
    expect(page.locator("#drawer")).to_be_hidden()


def test_colours_of_gradients_pale_with_the_error(visit, mnist):
    # An answer that is right leaves nothing to learn: its gradients must not look as strong as those of a wrong one.
    page = drawn(visit, mnist + RELU)
    page.get_by_role("button", name="Backward: gradients").click()
    small = page.locator('.head[data-layer="classifier.4"] small')
    select_label = page.get_by_label("If the truth is")
    select_label.select_option("2")
    expect(small).to_have_text(re.compile(r"^±1\.0"))
    select_label.select_option("7")
    expect(page.locator(".toolbar .soft", has_text="loss")).to_contain_text(re.compile(r"loss (0\.0|\S+e−)"))
    # The strongest colour goes on standing for the gradient of an answer that is entirely wrong, which is 1.
    expect(small).to_have_text(re.compile(r"^±1\.0"))
    most = number(re.search(r"at most (\S+)\)", page.locator(".faint").inner_text())[1].replace("e−", "e-"))
    assert 0 < most < 0.01
    page.get_by_role("button", name="Magnify").click()
    expect(small).not_to_have_text(re.compile(r"^±1\.0"))
    assert number(small.inner_text().strip("±").replace("e−", "e-")) <= most
    assert "magnified=1" in written(page)
    page.get_by_role("button", name="Magnify").click()
    page.get_by_role("button", name="Let the truth be").click()
    expect(select_label).not_to_have_value("7")
    page.evaluate("location.hash = '#model=mnist-relu&example=14&direction=backward&lang=en'")
    expect(page.locator(".faint")).to_contain_text("7 has 98.7 %")  # an error of 1 % cannot be seen either


def test_a_link_holds_the_drawing_the_place_and_the_language_but_no_theme(visit, mnist):
    page = drawn(visit, mnist + RELU)
    calculated(page, "features.3~9~4~4")
    value = page.locator(".result.theirs output").inner_text()
    page.get_by_role("button", name="中文").click()
    page.locator("#top .tool").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    until(page, "() => location.hash.includes('lang=zh')")
    other = visit(page.evaluate("location.href"))
    expect(other.locator(".result.theirs output")).to_have_text(value)
    expect(other.locator("html")).to_have_attribute("data-theme", "auto")  # the colours are the reader's own
    expect(other.locator(".verdict .figure")).to_have_text("7")


def test_a_product_that_is_not_there_is_left_out_and_closed_blocks_stay_closed(visit, mnist):
    page = visit(mnist + RELU + "&example=3&at=features.0~1~2~2&term=9999")
    expect(page.locator(".path b")).to_have_text("row 2, column 2")
    expect(page.locator(".calculation[aria-busy=false] .result.theirs")).to_be_visible()
    page.evaluate("hash => { location.hash = hash }", "model=mnist-lenet5&example=3&at=output~3")
    expect(page.locator(".path b")).to_have_text("value 3")  # a value of a vector has no row and column
    expect(page.locator(".calculation[aria-busy=false] .result.theirs")).to_be_visible()
    expect(page.locator("#drawer")).to_contain_text("squared distance")
    page.evaluate("hash => { location.hash = hash }", "model=mnist-relu&example=3")
    expect(page.locator("#drawer")).to_be_hidden()
    for block in ("features", "classifier"):
        page.locator(".bracket", has_text=block).click()
    expect(page.locator(".head.block")).to_have_count(2)
    expect(visit(written(page)).locator(".head.block")).to_have_count(2)


def test_a_picture_and_the_numbers_can_be_saved(visit, mnist):
    page = drawn(visit, mnist + RELU)
    calculated(page, "classifier.4~7~0~0")

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
    fits = "() => document.documentElement.scrollWidth <= innerWidth"
    page = drawn(visit, mnist + RELU, width=390, height=844, has_touch=True)
    assert page.evaluate(fits)
    for place in ("features.3~9~4~4", "classifier.4~7~0~0", "softmax()~7~0~0"):
        calculated(page, place)
        assert page.evaluate(fits), place
    select(page, "features.3")
    page.locator(".layer-map").first.wait_for()
    assert page.evaluate(fits)
    page.evaluate("hash => { location.hash = hash }", RELU + "&tab=lesson&step=1&lang=en")
    expect(page.locator(".lesson-text")).to_contain_text("Tap into the small picture")
    page.evaluate("hash => { location.hash = hash }", RELU + "&at=features.3")
    for language, words in (("中文", "回答"), ("EN", "The answer")):
        page.get_by_role("button", name=language, exact=True).click()
        expect(page.locator("#answer-title")).to_have_text(words)
        box_of(page, "#answer-title")  # painted
        assert page.evaluate(fits), language
    page.locator("select.classifier option").first.evaluate("one => { one.textContent = 'mnist_fast-'.repeat(5) }")
    assert page.evaluate(fits), "a run with a long name"


def test_a_camera_that_is_not_there_is_explained(visit, mnist):
    page = visit(mnist + RELU)
    page.get_by_role("button", name="Camera").click()
    page.get_by_text("There is no camera here").or_(page.get_by_text("does not let this page")).wait_for()


@pytest.mark.parametrize(
    ("task", "truth", "answer", "caption", "wide"),
    [
        ("multi-class", "7", "3", "7 → 3", False),
        ("multi-class", "蚂蚁", "蜜蜂", "蚂蚁 → 蜜蜂", True),
        ("multi-label", "disc|line", "", "disc, line → no label", True),
    ],
)
def test_below_a_mistake_stand_truth_and_answer_and_names_have_room(visit, mnist, task, truth, answer, caption, wide):
    page = visit(mnist + RELU)
    shown = page.evaluate(
        """async ([task, label, predicted]) => {
          const { examplesIn } = await import("/input/examples.js");
          const examples = [{ id: "0", kind: "mistake", label, predicted, url: "icon.svg" }];
          const state = { examples, aboutExamples: {}, network: { task }, source: null };
          const [section] = examplesIn({ state });
          const { textContent, ariaLabel } = section.querySelector(".thumb");
          return [textContent, ariaLabel, Boolean(section.querySelector(".worded"))];
        }""",
        [task, truth, answer],
    )
    first, second = caption.split(" → ")
    assert shown == [caption, f"This is {first}; the network said {second}", wide]


def test_a_picture_of_no_class_is_unknown_among_several_labels_too(visit, mnist):
    page = visit(mnist + RELU)
    answer = """async (refusal) => {
      const { createStore, INITIAL } = await import("/state/store.js");
      const { mount } = await import("/answer.js");
      const labels = ["disc", "line"];
      const probabilities = labels.map((label, index) =>
        ({ label, index, probability: 0.1, selected: false, threshold: 0.5 }));
      const network = { task: "multi-label", class_names: labels, nodes: [] };
      const root = document.createElement("div");
      mount(root, createStore({ ...INITIAL, network, forward: { probabilities, refusal, time_ms: 1 } }), () => {});
      return root.querySelector(".verdict").textContent;
    }"""
    said = page.evaluate(answer, {"kind": "foreign", "between": [], "probability": None, "threshold": 0.9})
    assert "Unknown" in said and "Close to no class" in said
    assert "Unknown" not in page.evaluate(answer, None)
