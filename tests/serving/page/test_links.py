"""Links carry the view, are checked before they become state, and are steps of the browser's history."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import expect

from tests.docs.walkthrough import PAGES, SERVED, links

from .conftest import RELU, answered, box_of, calculated, draw, drawn, eventually, select, until, written

FIVE = "#model=mnist-lenet5&example=14&at=C3~3~4~4"


def selected(page):
    return page.locator(".path")


def test_a_link_for_another_classifier_opens_it_on_an_open_page(visit, mnist):
    page = drawn(visit, mnist + RELU)
    page.evaluate("hash => { location.hash = hash }", FIVE)
    expect(page.locator("select.classifier")).to_have_value("mnist-lenet5")
    expect(selected(page)).to_have_text(re.compile(r"^\s*C3"))
    expect(page.locator(".calculation[aria-busy=false] .result.theirs")).to_be_visible()
    expect(page.locator("#notice")).to_be_hidden()


IN_VAIN = (
    ("model=no-such&example=1&at=C3~1", "“no-such”, which is not served here"),
    ("model=mnist-relu&example=14&at=nowhere~1", "points to “nowhere”"),
    ("model=mnist-relu&example=14&at=features.0~600", "points to “features.0”"),
    ("model=mnist-relu&example=9999", "not among those of this classifier"),
    ("model=mnist-relu&example=3&off=nowhere~1", "maps or kernels that this network does not have"),
    ("model=mnist-relu&example=3&truth=77", "class in this link"),
    ("model=mnist-relu&example=3&kernel=features.0~0~0~2~AACAPwAAgD8AAIA_AACAPw", "maps or kernels"),
    ("model=mnist-relu&example=3&epoch=5", "Epoch 5"),
    ("model=mnist-relu&example=3&at=features.0~1&with=model~no-such", "compares the map with is not here"),
    ("model=mnist-relu&example=3&at=features.0~1~2~2&with=example~none", "compares the map with is not here"),
    ("model=mnist-relu&upload=me.png", "“me.png”"),
    ("model=mnist-relu&draw=p!!", "cannot be read"),
    ("model=mnist-relu&maps=features.0~x", "cannot be read"),
    ("model=mnist-relu&example=3&v=9", "newer version"),
)


@pytest.mark.slow  # the test below has every fourth of them
def test_what_a_link_asks_in_vain_is_said_and_the_page_goes_on(visit, mnist):
    page = drawn(visit, mnist + RELU)
    for asks, words in IN_VAIN:
        page.evaluate("hash => { location.hash = hash }", asks)
        expect(page.locator("#notice p")).to_contain_text(words)
        until(page, "() => location.hash.includes('v=1')")
        page.locator(".thumb").nth(3).click()
        answered(page)


def test_a_page_that_opens_with_a_link_in_vain_says_so_too(visit, mnist):
    page = visit(mnist + "#" + IN_VAIN[0][0])
    for asks, words in IN_VAIN[::4]:
        page.goto("about:blank")  # otherwise only the part behind # would change
        page.goto(mnist + "#" + asks)
        expect(page.locator("#notice p")).to_contain_text(words)
    page.get_by_role("button", name="中文").click()
    expect(page.locator("#notice p")).not_to_contain_text("link")
    page.locator("#notice button").click()
    expect(page.locator("#notice")).to_be_hidden()


def test_a_link_says_where_it_leads_whatever_was_open(visit, mnist):
    page = drawn(visit, mnist + RELU)
    link = written(page)
    page.locator("#to-training").click()
    until(page, "() => location.hash.includes('tab=training')")
    page.evaluate("link => { location.href = link }", link)
    expect(page.locator("#to-network")).to_have_attribute("aria-selected", "true")
    page.locator("#to-training").click()
    page.evaluate("hash => { location.hash = hash }", "model=mnist-relu&example=3")  # as the first links were
    expect(page.locator("#to-network")).to_have_attribute("aria-selected", "true")
    answered(page)


def test_changes_of_the_network_travel(visit, mnist):
    page = drawn(visit, mnist + RELU)
    calculated(page, "features.3~9~4~4")
    page.get_by_role("button", name="Switch off").click()
    select(page, "features.0~2~4~4")
    page.get_by_role("button", name="Change the kernel").click()
    page.locator(".cells input").first.fill("2.5")
    page.get_by_role("button", name="Backward").click()
    page.locator("#toolbar select").select_option("3")
    expect(page.get_by_role("button", name="Undo 2 changes")).to_be_visible()
    expect(page.locator("#answer")).to_have_attribute("aria-busy", "false")
    loss = page.locator("#toolbar .soft", has_text="loss")
    expect(loss).to_contain_text("loss")
    link, rows = written(page), page.locator(".classes").inner_text()
    other = visit(link)
    expect(other.get_by_role("button", name="Undo 2 changes")).to_be_visible()
    eventually(page, lambda: other.locator(".classes").inner_text() == rows)
    expect(other.locator("#toolbar select")).to_have_value("3")
    eventually(page, lambda: other.locator("#toolbar .soft", has_text="loss").inner_text() == loss.inner_text())
    assert written(other) == link


def test_what_a_change_changed_is_ranked(visit, mnist):
    page = visit(mnist + RELU + "&example=14&off=features.3~9")
    answered(page)
    page.get_by_role("button", name="What changed?").click()
    dialog = page.get_by_role("dialog", name="What changed")
    expect(dialog).to_contain_text("root mean square")
    rows = dialog.locator("tbody tr")
    layers = rows.locator("code").all_inner_texts()
    assert "features.3" in layers and "classifier.4" in layers
    assert not {"input", "features.0", "features.1", "features.2"} & set(layers)  # nothing comes before the cause
    shares = [float(text.split()[0]) for text in rows.locator("td:nth-of-type(1)").all_inner_texts()]
    assert shares == sorted(shares, reverse=True)
    own = rows.filter(has_text=re.compile(r"Conv 2\b")).locator("td").last
    expect(own).to_have_text("9")
    rows.filter(has_text=re.compile(r"Conv 2\b")).get_by_role("button").click()
    expect(dialog).to_have_count(0)
    expect(page.locator(".path")).to_contain_text("map 9")


def test_covers_and_the_question_why_travel(visit, mnist):
    page = drawn(visit, mnist + RELU)
    page.get_by_role("button", name="Why this answer?").click()
    box = box_of(page, "canvas.cover")
    page.mouse.click(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.45)
    page.locator(".why-controls select").first.select_option("occlusion")
    page.locator(".why-controls select").nth(1).select_option("2")
    expect(page.get_by_role("button", name="Undo the change")).to_be_visible()
    link = written(page)
    assert "cover=" in link
    assert "why=occlusion" in link
    other = visit(link)
    expect(other.get_by_role("button", name="Undo the change")).to_be_visible()
    expect(other.locator(".why-controls select").first).to_have_value("occlusion")
    expect(other.locator(".why-controls select").nth(1)).to_have_value("2")
    assert written(other) == link


def test_the_playground_travels(visit, mnist):
    page = visit(mnist + RELU)
    page.locator("#to-convolution").click()
    page.locator("input[data-key=padding]").fill("1")
    page.locator(".conv-controls select").first.select_option("blur")
    page.get_by_role("button", name="Max", exact=True).click()
    total = page.locator(".conv-sum output")
    eventually(page, lambda: total.inner_text() != "")
    link, result = written(page), total.inner_text()
    other = visit(link)
    expect(other.locator("input[data-key=padding]")).to_have_value("1")
    expect(other.locator(".conv-controls select").first).to_have_value("blur")
    expect(other.locator(".conv-sum output")).to_have_text(result)
    other.get_by_role("button", name="Photo").click()
    expect(other.locator(".conv-card figcaption").first).to_have_text("72 × 72")
    photo = written(other)
    expect(visit(photo).locator(".conv-card figcaption").first).to_have_text("72 × 72")
    broken = visit(re.sub("weights=[^&]*", "weights=1,2", photo))
    expect(broken.locator("#notice p")).to_contain_text("cannot be read")


def test_back_and_forward_go_through_tabs_openings_and_networks(visit, mnist):
    page = drawn(visit, mnist + RELU)
    written(page)
    page.locator(".head[data-layer='features.0']").click()
    until(page, "() => location.hash.includes('at=features.0')")
    page.locator("#to-convolution").click()
    until(page, "() => location.hash.includes('tab=convolution')")
    page.locator("select.classifier").select_option("mnist-lenet5")
    until(page, "() => location.hash.includes('model=mnist-lenet5')")
    page.go_back()
    expect(page.locator("select.classifier")).to_have_value("mnist-relu")
    expect(page.locator("#to-convolution")).to_have_attribute("aria-selected", "true")
    page.go_back()
    expect(page.locator("#to-network")).to_have_attribute("aria-selected", "true")
    expect(selected(page)).to_contain_text("features.0")
    page.go_back()
    expect(page.locator("#drawer")).to_be_hidden()
    answered(page)
    written(page)
    page.go_forward()
    expect(selected(page)).to_contain_text("features.0")


def test_an_upload_comes_back_with_back(visit, mnist, tmp_path):
    from PIL import Image

    path = tmp_path / "gray.png"
    Image.new("L", (28, 28), 90).save(path)
    page = visit(mnist + RELU)
    page.locator("#pictures input[type=file]").set_input_files(path)
    answered(page)
    written(page)
    page.locator("#to-training").click()
    until(page, "() => location.hash.includes('tab=training')")
    page.go_back()
    expect(page.locator("#notice")).to_be_hidden()
    expect(page.locator(".chance")).to_be_visible()


def test_a_link_to_a_unit_brings_it_into_sight(visit, mnist):
    page = visit(mnist + "#model=mnist-lenet5&example=3&at=output~3~0~0")
    calculated(page, "output~3~0~0")
    head = page.locator(".head[data-layer=output]")
    expect(head).to_be_in_viewport()
    box, frame = box_of(page, ".head[data-layer=output]"), box_of(page, ".scroller")
    assert box["x"] >= frame["x"]
    assert box["x"] + box["width"] <= frame["x"] + frame["width"] + 1


def test_the_skip_link_leaves_the_address(visit, mnist):
    page = drawn(visit, mnist + RELU)
    link = written(page)
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.className") == "scroller"
    assert written(page) == link


def test_strokes_and_numbers_are_packed_without_loss(visit, mnist):
    page = visit(mnist + RELU)
    assert page.evaluate(
        """() => Promise.all([import("/state/pack.js"), import("/input/strokes.js")])
      .then(([pack, { GRID }]) => {
        const random = () => Math.floor(Math.random() * (GRID + 1)) / GRID;
        const strokes = Array.from({ length: 20 }, (_, i) => ({ tool: i % 3 ? "pen" : "eraser",
          points: Array.from({ length: 1 + i }, () => [random(), i % 2 ? random() : 600 / GRID]) }));
        strokes.push({ tool: "pen", points: Array.from({ length: 40 }, (_, i) => [(i * 9) / GRID, (i * 13) / GRID]) });
        return JSON.stringify(pack.unpackStrokes(pack.packStrokes(strokes))) === JSON.stringify(strokes)
          && JSON.stringify(pack.unpackNumbers(pack.packNumbers([0.1, -2.5, 1 / 3]))
            .map(Math.fround)) === JSON.stringify([0.1, -2.5, 1 / 3].map(Math.fround));
      })"""
    )


def test_the_first_links_still_show_their_drawing(visit, mnist):
    page = visit(mnist + "#model=mnist-relu&strokes=p9z9z.p" + "a0a0" * 3 + "&ink=1&lang=en&theme=dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator(".board-hint")).to_be_hidden()
    expect(page.locator("#notice")).to_be_hidden()
    draw(page)
    answered(page)


@pytest.mark.slow
def test_every_link_of_the_documentation_opens(visit, mnist):
    asked = sorted({link.removeprefix(SERVED) for path in PAGES for link in links(path) if link.startswith(SERVED)})
    page = drawn(visit, mnist + RELU)
    for link in asked:
        page.evaluate("hash => { location.hash = hash }", link)
        until(page, "() => location.hash.includes('v=1')")
        expect(page.locator("#answer")).to_have_attribute("aria-busy", "false")
        expect(page.locator("#notice")).to_be_hidden()
    assert asked


def test_a_qr_code_holds_the_link(visit, mnist):
    """Decoded by ZXing, in the versions that links need and at the limits of the format."""
    page = visit(mnist + RELU + "&example=14&at=features.3~9~4~4")
    answered(page)
    link = written(page)
    page.get_by_role("button", name="Share").click()
    page.get_by_role("menuitem", name="Show a QR code").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("leads nowhere but to this computer")
    shown = Image.open(io.BytesIO(dialog.locator("canvas").screenshot()))
    assert zxingcpp.read_barcode(shown).text == link
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0)
    rows = """async (text) => {
      const { qrCode } = await import("/state/qr.js");
      const code = qrCode(text);
      return code && Array.from({ length: code.size }, (_, y) =>
        Array.from({ length: code.size }, (_, x) => Number(code.isDark(x, y))).join(""));
    }"""
    for length in (1, 17, 18, 230, 271, 800, 1500, 2953):
        text = ("#at=文~" + "".join(chr(33 + i * 7 % 90) for i in range(length)))[:length]
        text = text if length > 17 else "x" * length
        while len(text.encode()) > length:
            text = text[:-1]
        code = np.array([[int(bit) for bit in row] for row in page.evaluate(rows, text)], dtype=np.uint8)
        framed = np.pad(255 * (1 - code), 4, constant_values=255).repeat(4, 0).repeat(4, 1)
        assert zxingcpp.read_barcode(framed).text == text, length
    assert page.evaluate(rows, "x" * 2954) is None


def test_a_link_does_not_give_away_what_is_still_to_be_predicted(visit, mnist):
    page = visit(mnist + RELU + "&example=14&predict=1")
    expect(page.get_by_text("What will the network say?")).to_be_visible()
    expect(page.locator(".chance")).to_be_hidden()
    assert "predict=1" in written(page)
