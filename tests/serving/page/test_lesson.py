"""The lesson can be followed from the first pixel to an own drawing, by keyboard, by link, and in both languages."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from .conftest import answered, box_of, draw, eventually, until, written

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
# The later steps go beyond this network; None: it has no such layer.
LATER = {13: "18", 14: None, 15: None, 16: None, 17: "It moves one pixel", 18: "It learns the images by heart"}
HIGHLIGHTED = {"image": "seen", "softmax": "answer", "loss": "answer", "backward": "network", "descent": "toolbar"}
RELU = "#model=mnist-relu&lang=en"


@pytest.fixture
def lesson(visit, mnist):
    page = visit(mnist + RELU, reduced_motion="reduce")
    page.locator("#to-lesson").click()
    expect(page.locator(".lesson-ask")).to_be_visible()
    return page


def step(page, number):
    expect(page.locator(".lesson-count")).to_contain_text(f"Step {number} of")
    expect(page.locator(".lesson-ask")).to_be_visible()


def test_every_step_shows_its_part_and_checks_the_answer(lesson):
    page = lesson
    for number, (name, answer) in enumerate(ANSWERS.items(), 1):
        step(page, number)
        expect(page.locator(".lesson-highlight")).to_have_attribute("id", HIGHLIGHTED.get(name, "drawer"))
        expect(page.locator(".lesson-highlight")).to_be_visible()
        expect(page.locator(".lesson")).not_to_contain_text(re.compile(r"{\w+}|undefined|NaN|lesson\."))
        if answer[0].isdigit():
            page.locator(".lesson-question input").fill("3.5")
            page.get_by_role("button", name="Check").click()
            expect(page.locator(".lesson-verdict.wrong")).to_contain_text("Not quite.")
            page.locator(".lesson-question input").fill(answer)
            page.keyboard.press("Enter")
        else:
            wrong = page.locator(".lesson-option").filter(has_not_text=answer).first
            wrong.click()
            expect(page.locator(".lesson-verdict.wrong")).to_be_visible()
            page.get_by_role("button", name=answer).click()
        expect(page.locator(".lesson-verdict.right")).to_contain_text("Right.")
        expect(page.locator(".lesson-dots .solved")).to_have_count(number)
        page.get_by_role("button", name="Next", exact=True).click()
    step(page, 12)
    draw(page)
    expect(page.locator(".lesson-verdict.right")).to_be_visible()
    expect(page.locator(".lesson-dots .solved")).to_have_count(12)
    page.get_by_role("button", name="Next", exact=True).click()
    for number, answer in LATER.items():
        page.locator(".lesson-dots button").nth(number - 1).click()
        expect(page.locator(".lesson-count")).to_contain_text(f"Step {number} of 19")
        if answer is None:  # it needs another network, and says which
            expect(page.locator(".lesson-text")).to_contain_text("convscope serve")
        elif answer[0].isdigit():
            page.locator(".lesson-question input").fill(answer)
            page.keyboard.press("Enter")
            expect(page.locator(".lesson-verdict.right")).to_be_visible()
        else:
            page.get_by_role("button", name=answer).click()
            expect(page.locator(".lesson-verdict.right")).to_be_visible()
    page.locator(".lesson-dots button").nth(18).click()  # dropout: a map is to be switched off
    expect(page.get_by_role("button", name="Next", exact=True)).to_be_disabled()
    expect(page.locator(".lesson-verdict.right")).to_have_count(0)
    page.evaluate("location.hash = location.hash.replace(/&at=[^&]*/, '') + '&at=features.3~9'")
    page.get_by_role("button", name="Switch off").click()
    expect(page.locator(".lesson-verdict.right")).to_be_visible()
    page.get_by_role("button", name="3D").click()  # as the text proposes
    expect(page.locator(".three-canvas")).to_be_visible()


def test_steps_arrange_the_network_and_leave_it_as_it_was(lesson):
    page = lesson
    page.locator(".lesson-dots button").nth(9).click()
    step(page, 10)
    expect(page.locator("#toolbar [data-value=backward]")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowLeft")  # the title has the focus
    page.keyboard.press("ArrowLeft")
    step(page, 8)
    expect(page.locator("#drawer .path")).to_contain_text("softmax")
    table, sums = box_of(page, "table.softmax"), box_of(page, ".calculation .sums")
    assert table["x"] + table["width"] <= sums["x"]  # beside each other, not one over the other
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    step(page, 10)
    page.locator("#to-network").click()
    expect(page.locator("#toolbar [data-value=forward]")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".lesson-highlight")).to_have_count(0)
    expect(page.locator("#tab-lesson")).to_be_hidden()


def test_a_link_leads_to_a_step_whose_words_come_before_the_network(visit, mnist):
    held = []
    page = visit(f"{mnist}#tab=convolution")
    page.route("**/api/network*", lambda route: held.append(route))
    page.goto("about:blank")
    page.goto(f"{mnist}#tab=lesson&step=6&lang=en&model=mnist-lenet5")
    expect(page.locator(".lesson-title")).to_have_text("Pooling: keep what matters")
    eventually(page, lambda: bool(held))
    held.pop().continue_()
    expect(page.locator(".lesson-ask")).to_be_visible()


@pytest.mark.parametrize(("model", "kind"), [("mnist-lenet5", "一个学出来的权重"), ("mnist-relu", "最大的那个")])
def test_a_link_leads_to_a_step_in_chinese_about_the_layer_that_is_there(visit, mnist, model, kind):
    page = visit(f"{mnist}#tab=lesson&step=6&lang=zh&model={model}", width=390, height=800)
    expect(page.locator(".lesson-title")).to_have_text("池化：留下要紧的")
    expect(page.locator(".lesson-ask")).to_be_visible()
    expect(page.locator(".lesson-text")).to_contain_text(kind)
    expect(page.locator(".lesson-count")).to_contain_text("第 6 步，共 19 步")
    page.locator(".lesson-question input").fill("4")
    page.keyboard.press("Enter")
    expect(page.locator(".lesson-verdict.right")).to_contain_text("答对了。")
    page.get_by_role("button", name="下一步").click()
    until(page, "() => location.hash.includes('step=7')")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_on_a_projector_a_step_shows_what_is_multiplied_with_its_products(visit, mnist):
    page = visit(f"{mnist}{RELU}&tab=lesson&step=2", width=1024, height=768, reduced_motion="reduce")
    expect(page.locator(".calculation[aria-busy=false] .result.theirs")).to_be_visible()
    for place in (".result.ours", ".numbers >> nth=0", ".numbers >> nth=1", ".numbers >> nth=2"):
        expect(page.locator(place)).to_be_in_viewport(ratio=0.99)
    expect(page.locator("#drawer").get_by_role("button", name="Next place")).to_be_in_viewport()


def test_the_loss_of_a_sure_answer_is_told_beside_that_of_another_truth(visit, mnist):
    page = visit(f"{mnist}#model=mnist-lenet5&example=14&tab=lesson&step=9&lang=en")
    text = page.locator(".lesson-text")
    expect(text).to_contain_text("If that is “7”, with > 99.9 %, the loss is ≈ 0.")
    expect(text).to_contain_text("If it were “9”, the loss would be 68.1:")  # 77.95 - 9.885, the scores of step 8


def test_a_link_shows_what_it_names_whatever_its_step_would_arrange(visit, mnist):
    for place, layer in (("softmax()~5", "softmax"), ("C3~2~4~4", "C3")):
        page = visit(f"{mnist}#v=1&model=mnist-lenet5&tab=lesson&example=5&step=6&at={place}&direction=backward")
        answered(page)
        expect(page.locator(".path")).to_contain_text(re.compile(layer, re.I))
        assert f"at={place}" in written(page) and "direction=backward" in written(page)
    page.get_by_role("tab", name="Network").click()
    page.get_by_role("tab", name="Lesson").click()  # later, the step is arranged as ever
    until(page, "() => !location.hash.includes('direction=backward')")


QUESTIONS = """async () => {
  const [{ STEPS }, { t }] = await Promise.all([import("/lesson/steps.js"), import("/i18n.js")]);
  const network = { nodes: [{ kind: "input" }, { kind: "linear" }, { kind: "activation", type: "ReLU" }] };
  const marks = { conv: null, pool: null, activation: network.nodes[2] };
  return ["backward", "invariance"].map((id) =>
    t(`lesson.${id}.question-${STEPS.find((one) => one.id === id).variant(marks, network)}`));
}"""


def test_questions_fit_a_network_without_convolutions_and_pooling(visit, mnist):
    backward, invariance = visit(mnist + RELU).evaluate(QUESTIONS)
    assert backward.startswith("ReLU has no weights either.")
    assert invariance.endswith("What do the values of the first fully connected layer do?")
