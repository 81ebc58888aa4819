"""The lesson can be followed from the first pixel to an own drawing, by keyboard, by link, and in both languages."""

from __future__ import annotations

import re

import pytest

from .conftest import draw

# What a learner answers for mnist-relu: words, or numbers of its layers (5 x 5 kernels over 32 x 32, 400 -> 120).
ANSWERS = {
    "image": "1,024",
    "convolution": "They are added up, and the bias too",
    "kernel": "26",
    "size": "14",
    "activation": "No more than a single larger one",
    "pooling": "4",
    "dense": "48120",
    "softmax": "1",
    "loss": "It becomes smaller",
    "backward": "To the value that was the largest",
    "descent": "0.48",
}
HIGHLIGHTED = {"image": "seen", "softmax": "answer", "loss": "answer", "backward": "network", "descent": "toolbar"}
RELU = "#model=mnist-relu&lang=en"


@pytest.fixture
def lesson(visit, mnist):
    page = visit(mnist + RELU, reduced_motion="reduce")
    page.locator("#to-lesson").click()
    page.locator(".lesson-ask").wait_for()
    return page


def step(page, number):
    page.locator(".lesson-count", has_text=f"Step {number} of").wait_for()
    page.locator(".lesson-ask").wait_for()


def test_every_step_shows_its_part_and_checks_the_answer(lesson):
    page = lesson
    for number, (name, answer) in enumerate(ANSWERS.items(), 1):
        step(page, number)
        assert page.locator(".lesson-highlight").get_attribute("id") == HIGHLIGHTED.get(name, "drawer"), name
        assert page.locator(".lesson-highlight").is_visible()
        assert not re.search(r"{\w+}|undefined|NaN|lesson\.", page.locator(".lesson").inner_text()), name
        if answer[0].isdigit():
            page.locator(".lesson-question input").fill("3.5")
            page.get_by_role("button", name="Check").click()
            assert page.locator(".lesson-verdict").inner_text().startswith("Not quite."), name
            page.locator(".lesson-question input").fill(answer)
            page.keyboard.press("Enter")
        else:
            wrong = page.locator(".lesson-option").filter(has_not_text=answer).first
            wrong.click()
            assert page.locator(".lesson-verdict.wrong").is_visible(), name
            page.get_by_role("button", name=answer).click()
        assert page.locator(".lesson-verdict").inner_text().startswith("Right."), name
        assert page.locator(".lesson-dots .solved").count() == number
        page.get_by_role("button", name="Next", exact=True).click()
    step(page, 12)
    assert page.get_by_role("button", name="Next", exact=True).is_disabled()
    draw(page)
    page.locator(".lesson-verdict.right").wait_for()
    assert page.locator(".lesson-dots .solved").count() == 12
    page.get_by_role("button", name="3D").click()  # as the text proposes
    page.locator(".three-canvas").wait_for()


def test_steps_arrange_the_network_and_leave_it_as_it_was(lesson):
    page = lesson
    page.locator(".lesson-dots button").nth(9).click()
    step(page, 10)
    assert page.locator("#toolbar [data-value=backward]").get_attribute("aria-pressed") == "true"
    page.keyboard.press("ArrowLeft")  # the title has the focus
    page.keyboard.press("ArrowLeft")
    step(page, 8)
    assert "softmax" in page.locator("#drawer .path").inner_text()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    step(page, 10)
    page.locator("#to-network").click()
    assert page.locator("#toolbar [data-value=forward]").get_attribute("aria-pressed") == "true"
    assert page.locator(".lesson-highlight").count() == 0
    assert not page.locator("#tab-lesson").is_visible()


@pytest.mark.parametrize("model", ["mnist-lenet5", "mnist-relu"])
def test_a_link_leads_to_a_step_in_chinese(visit, mnist, model):
    page = visit(f"{mnist}#tab=lesson&step=6&lang=zh&model={model}", width=390, height=800)
    page.locator(".lesson-title", has_text="池化：留下要紧的").wait_for()
    page.locator(".lesson-ask").wait_for()
    assert "第 6 步，共 12 步" in page.locator(".lesson-count").inner_text()
    page.locator(".lesson-question input").fill("4")
    page.keyboard.press("Enter")
    assert page.locator(".lesson-verdict").inner_text().startswith("答对了。")
    page.get_by_role("button", name="下一步").click()
    page.wait_for_url("**step=7**")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
