"""Why: which method it begins with, what it says of it, and heat maps that come late."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from .conftest import RELU, box_of, draw, drawn


def test_gradients_and_heat_maps(visit, mnist):
    page = drawn(visit, mnist + RELU)
    page.get_by_role("button", name="Backward: gradients").click()
    loss = page.locator(".toolbar .soft", has_text="loss")
    loss.wait_for()
    expect(page.locator('.head[data-layer="features.0"] small')).to_have_text(re.compile(r"^±\d"))
    before = loss.inner_text()
    page.get_by_label("If the truth is").select_option("2")
    expect(loss).not_to_have_text(before)
    page.get_by_role("button", name="Forward: values").click()
    page.get_by_role("button", name="Why this answer?").click()
    expect(page.locator(".heat")).to_have_count(2)
    best = page.request.get(f"{mnist}api/methods?classifier=mnist-relu").json()["measured"]["methods"][0]
    expect(page.get_by_label("Method")).to_have_value(best["method"])
    said = page.locator(".best-method")
    expect(said).to_contain_text("points best in this network: with its first pixels alone the class has")
    expect(said).to_contain_text(f"{100 * best['insertion']:.1f} % on average")
    for method in ("saliency", "integrated-gradients"):
        with page.expect_response(lambda answer, method=method: f"method={method}" in answer.url):
            page.get_by_label("Method").select_option(method)
        expect(page.locator(".why-figure.busy")).to_have_count(0)
        expect(page.locator(".why-figure .problem")).to_have_count(0)
        expect(said).to_contain_text("points best." if method != best["method"] else "points best in")


def test_no_method_is_called_best_where_a_random_order_points_as_well(visit, mnist):
    page = visit(mnist + RELU)

    def as_good(route):
        answer = route.fetch().json()
        answer["measured"]["random"]["score"] = answer["measured"]["methods"][0]["score"] - 0.01
        route.fulfill(json=answer)

    page.route("**/api/methods**", as_good)
    draw(page)
    page.get_by_role("button", name="Why this answer?").click()
    expect(page.locator(".best-method")).to_contain_text(
        "No method points clearly better in this network than a random"
    )


def test_a_map_is_shown_as_computed_until_the_newest_question_is_answered(visit, mnist):
    page = drawn(visit, mnist + RELU)
    page.get_by_role("button", name="Why this answer?").click()
    expect(page.locator(".why-figure.busy")).to_have_count(0)
    held = []
    page.route("**/api/attribution/**", lambda route: held.append(route))
    for method in ("saliency", "integrated-gradients"):
        page.get_by_label("Method").select_option(method)
    expect(page.locator(".why-figure.busy")).to_have_count(2)
    page.wait_for_timeout(300)  # the first question has been given up by now
    assert page.locator(".why-figure.busy").count() == 2
    for route in held[-2:]:
        route.continue_()
    expect(page.locator(".why-figure.busy")).to_have_count(0)


def test_a_covered_part_of_the_picture_changes_the_answer(visit, mnist):
    page = drawn(visit, mnist + RELU)
    page.get_by_role("button", name="Why this answer?").click()
    expect(page.locator(".heat")).to_have_count(2)
    expect(page.locator(".why-figure.busy")).to_have_count(0)
    chance = page.locator(".chance")
    before = chance.inner_text()
    cover = box_of(page, ".cover")
    page.mouse.move(cover["x"] + cover["width"] * 0.29, cover["y"] + cover["height"] * 0.26)
    page.mouse.down()
    page.mouse.move(cover["x"] + cover["width"] * 0.72, cover["y"] + cover["height"] * 0.29, steps=6)
    page.mouse.up()
    expect(chance).not_to_have_text(before)
    page.get_by_role("button", name="Uncover").click()
    expect(chance).to_have_text(before)
