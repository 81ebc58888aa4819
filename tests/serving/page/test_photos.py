"""Deep networks, uploaded photos and class names in any script: ResNet-18 with weights nobody trained."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import skimage
import torch
from playwright.sync_api import expect

import convscope as cs
from convscope.classifier import Classifier
from convscope.data.preprocess import Preprocess

from .. import tokens
from .conftest import answered, box_of, calculated, chances, eventually, number, select, served, until

PHOTO = Path(skimage.__file__).parent / "data" / "chelsea.png"
NAMES = [
    "<img src=x onerror=alert(1)>",
    "قطة",
    "猫",
    "a name that is far too long for the narrow column on the right",
    "&amp;",
    "cat",
]


@pytest.fixture(scope="module")
def resnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    torch.manual_seed(0)
    network = cs.create_model("resnet18", num_classes=len(NAMES), in_channels=3).eval()
    preprocess = Preprocess((3, 224, 224), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    arguments = {"num_classes": len(NAMES), "in_channels": 3}
    folder = Classifier(network, NAMES, preprocess, "resnet18", arguments).save(
        tmp_path_factory.mktemp("resnet") / "resnet18"
    )
    with served(str(folder), f"{tokens.__file__}:Tokens") as address:
        yield address


def uploaded(visit, address):
    page = visit(address)
    page.locator("input[type=file]").set_input_files(PHOTO)
    answered(page)
    return page


def test_a_network_of_photos_begins_with_a_picture_and_not_with_a_board_to_draw_on(visit, resnet):
    page = visit(f"{resnet}#lang=en", width=390, height=844, has_touch=True)
    answered(page)
    expect(page.locator(".thumb").first).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".board-hint")).to_be_hidden()
    for place in (".thumb >> nth=0", ".verdict .figure"):
        expect(page.locator(place)).to_be_in_viewport(ratio=1)
    page.get_by_role("button", name="Draw instead").click()  # who wants to draw still can
    expect(page.locator(".board-hint")).to_be_visible()


def test_an_uploaded_photo_runs_through_resnet18(visit, resnet):
    page = uploaded(visit, resnet)
    assert set(chances(page)) == set(NAMES)
    expect(page.locator(".verdict img, .classes img")).to_have_count(0)
    # Blocks are closed at first; opened, they show the addition that joins both ways.
    eventually(page, lambda: page.locator(".head.block").count() >= 4)
    page.locator(".head.block").first.click()
    expect(page.locator(".bracket").first).to_be_visible()
    expect(page.locator('.head[data-layer="layer1.0.conv1"]')).to_be_visible()


def test_a_wide_network_fits_is_zoomed_and_has_a_minimap(visit, resnet):
    page = uploaded(visit, resnet)
    page.set_viewport_size({"width": 1600, "height": 900})
    scroller = page.locator("#network .scroller")
    over = "e => e.scrollWidth - e.clientWidth"
    expect(page.locator(".minimap")).to_be_hidden()
    assert scroller.evaluate(over) == 0  # with closed blocks it is a little smaller, and all in sight
    page.locator(".head.block").first.click()
    expect(page.locator(".minimap")).to_be_visible()
    box = box_of(page, ".minimap")
    page.mouse.click(box["x"] + box["width"] - 4, box["y"] + 10)
    expect(page.locator('.head[data-layer="fc"]')).to_be_in_viewport()
    page.get_by_role("button", name="All of it in sight (0)").click()
    expect(page.locator(".minimap")).to_be_hidden()
    assert scroller.evaluate(over) == 0
    until(page, "() => location.hash.includes('zoom=fit')")
    # What is below the pointer is found at this size, too.
    place, tip, all_of_it = (
        box_of(page, '.head[data-layer="avgpool"]'),
        page.locator("#network .tip"),
        box_of(page, "#network"),
    )
    page.mouse.move(place["x"] + place["width"] / 2, all_of_it["y"] + all_of_it["height"] / 2)
    page.mouse.move(place["x"] + place["width"] / 2 + 3, all_of_it["y"] + all_of_it["height"] / 2 + 3, steps=4)
    expect(tip).to_contain_text("Average")
    scroller.focus()
    page.keyboard.press("+")
    until(page, "() => /zoom=0\\.\\d\\d/.test(location.hash)")
    scale = float(scroller.get_attribute("data-scale"))
    other = visit(page.evaluate("location.href"))
    expect(other.locator("#network .scroller")).to_have_attribute("data-scale", re.compile(f"^{scale:.2f}"[:5]))


def test_closed_blocks_show_where_their_ways_part_and_meet(visit, resnet):
    page = uploaded(visit, resnet)
    ways = page.evaluate("""async () => {
      const { waysOf } = await import("/network/inner.js");
      const graph = await (await fetch("/api/network")).json();
      return ["layer1.0", "layer2.0"].map((block) => {
        const { dots, lines } = waysOf(graph, new Set(["layer1", "layer2"]), block);
        const at = (dot) => dots.indexOf(dot);
        return { signs: dots.map(({ sign }) => sign), lines: lines.map((line) => line.map(at)),
          lanes: dots.map(({ lane }) => lane) };
      });
    }""")
    for block in ways:
        join = block["signs"].index("+")
        assert len([line for line in block["lines"] if line[1] == join]) == 2
    plain, projected = ways
    assert [0, plain["signs"].index("+")] in plain["lines"]  # the input itself is added
    assert [0, projected["signs"].index("+")] not in projected["lines"]
    assert set(projected["lanes"]) > {0}


def test_the_lesson_goes_on_to_residual_blocks(visit, resnet):
    page = uploaded(visit, resnet)
    page.locator("#to-lesson").click()
    page.locator(".lesson-dots button").nth(15).click()
    expect(page.locator(".lesson-title")).to_have_text("Residual: add what came in")
    expect(page.locator("#drawer .path")).to_contain_text("layer1.0.add")
    page.get_by_role("button", name="What came in, unchanged").click()
    expect(page.locator(".lesson-verdict.right")).to_be_visible()
    page.locator(".lesson-dots button").nth(13).click()
    expect(page.locator("#drawer .path")).to_contain_text("layer2.0.downsample")
    page.locator(".lesson-question input").fill(str(64 * 128))
    page.keyboard.press("Enter")
    expect(page.locator(".lesson-verdict.right")).to_be_visible()
    # A step about the first layers brings them back into sight.
    expect(page.locator('.head[data-layer="conv1"]')).not_to_be_in_viewport()
    page.locator(".lesson-dots button").nth(16).click()
    expect(page.locator('.head[data-layer="conv1"]')).to_be_in_viewport()


def test_values_of_a_deep_network_are_taken_apart_too(visit, resnet):
    page = uploaded(visit, resnet)
    for place in (
        "layer2.0.conv2~5~9~9",
        "layer2.0.bn2~5~9~9",
        "layer2.0.add~5~9~9",
        "maxpool~5~9~9",
        "avgpool~5~0~0",
        "fc~2~0~0",
    ):
        calculated(page, place)
        expect(page.locator(".result.theirs.same")).to_be_visible()
    calculated(page, "layer2.0.conv2~5~9~9")
    expect(page.locator(".sumline.rest")).to_be_visible()  # 128 input maps: the strongest, and the others together
    expect(page.locator(".sums button.sumline")).to_have_count(13)


def test_the_maps_of_64_kernels_add_up_to_one(visit, resnet):
    page = uploaded(visit, resnet)
    select(page, "layer1.0.conv1~5~20~30")
    partials = page.locator(".partial")
    expect(partials).to_have_count(9)  # the seven strongest, the others together, and their sum
    expect(partials.nth(7)).to_contain_text("57 others")
    *parts, total = partials.evaluate_all("all => all.map(one => one.values[20 * 56 + 30])")
    assert sum(parts) == pytest.approx(total, abs=1e-4)  # it has no bias
    theirs = number(page.locator(".calculation[aria-busy=false] .result.theirs output").inner_text())
    check = page.locator(".partial-check").evaluate("one => ({ ...one.dataset })")
    assert abs(total - theirs) <= float(check["allowed"])
    assert float(check["off"]) <= float(check["allowed"])


def test_slash_finds_a_layer_and_the_table_says_how_all_are(visit, resnet):
    page = uploaded(visit, resnet)
    page.keyboard.press("/")
    finder = page.get_by_role("dialog", name="All layers")
    rows = finder.locator("tbody tr")
    expect(rows).to_have_count(page.evaluate("fetch('/api/network').then((a) => a.json()).then((n) => n.nodes.length)"))
    finder.get_by_role("button", name="Parameters").click()  # the largest first
    expect(rows.first).to_contain_text("2,359,296")
    expect(finder.get_by_role("columnheader", name="Dead maps")).to_be_visible()
    finder.get_by_role("button", name="Gradient").click()  # there without leading anything back in the network
    expect(rows.first.locator(".number").nth(-2)).to_have_text(re.compile(r"^[\d.e−-]+$"))
    page.keyboard.press("Escape")
    expect(finder).to_have_count(0)
    page.locator(".scroller").focus()
    page.keyboard.press("/")
    finder.get_by_role("searchbox").fill("layer3.1.conv2")
    expect(rows).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator(".path")).to_contain_text("layer3.1.conv2")
    expect(page.locator('.head[data-layer="layer3.1.conv2"]')).to_be_in_viewport()


def test_more_maps_on_demand(visit, resnet):
    page = uploaded(visit, resnet)
    select(page, "layer4.1.conv2")
    expect(page.locator(".heads .more", has_text="more").last).to_be_visible()
    cut = "rows => rows.filter(one => one.scrollWidth > one.clientWidth).map(one => one.textContent)"
    assert page.locator(".heads .more").evaluate_all(cut) == []
    select(page, "conv1")
    expect(page.locator(".layer-map")).to_have_count(16)
    page.locator("#drawer").get_by_role("button", name="+48 more").click()
    expect(page.locator(".layer-map")).to_have_count(64)
    # The 64 kernels of 3 x 7 x 7 in one picture, in colour: the first pixel is that of the first kernel.
    expect(page.locator(".kernels")).to_contain_text("64 kernels over red, green and blue")
    shown = page.locator(".kernels-picture").evaluate("one => [...one.getContext('2d').getImageData(2, 2, 1, 1).data]")
    torch.manual_seed(0)
    weight = cs.create_model("resnet18", num_classes=len(NAMES), in_channels=3).conv1.weight.detach()[0]
    assert shown[:3] == pytest.approx((127.5 + 127.5 * weight[:, 0, 0] / weight.abs().max()).tolist(), abs=1)


# A script cannot make a folder: this is what a browser tells of one.
DROP_A_FOLDER = """() => document.dispatchEvent(Object.assign(new Event("drop"), { dataTransfer: {
  types: ["Files"], files: [new File([], "photos")], items: [{ webkitGetAsEntry: () => ({ isDirectory: true }) }],
} }))"""


def test_a_file_that_is_no_picture_is_refused_in_a_sentence(visit, resnet, tmp_path):
    page = visit(resnet)
    broken = tmp_path / "broken.txt"
    broken.write_text("not a picture")
    shapes = tmp_path / "shapes.svg"
    shapes.write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    for file in (broken, shapes):
        page.locator("input[type=file]").set_input_files(file)
        expect(page.get_by_text("That is not a picture.")).to_be_visible()
        page.evaluate(DROP_A_FOLDER)
        expect(page.get_by_text("That is a folder.")).to_be_visible()


DROP = """({ name, n, unreadable, on }) => {
  const transfer = new DataTransfer();
  for (let i = 0; i < n; i++) transfer.items.add(new File([window.picture], i ? "other.png" : name, { type: "" }));
  if (unreadable) Blob.prototype.arrayBuffer = () => Promise.reject(new DOMException("gone", "NotFoundError"));
  document.dispatchEvent(on === "drop" ? new DragEvent("drop", { dataTransfer: transfer })
    : new ClipboardEvent("paste", { clipboardData: transfer }));
}"""


def test_files_that_are_dropped_are_taken_where_that_is_seen_unless_they_have_gone(visit, mnist):
    page = visit(f"{mnist}#model=mnist-relu&tab=training&lang=en")
    page.evaluate("async () => { window.picture = await (await fetch('api/examples/mnist-relu/0')).blob(); }")
    page.evaluate(DROP, {"name": "first.png", "n": 3, "unreadable": False, "on": "drop"})
    expect(page.locator("#pictures .notice")).to_have_text("3 files came; the first is shown: first.png.")
    answered(page)
    page.evaluate(DROP, {"name": "gone.png", "n": 1, "unreadable": True, "on": "drop"})
    expect(page.locator("#pictures .notice")).to_contain_text("cannot be read")
    expect(page.locator("#answer .problem")).to_have_count(0)


def test_every_feature_of_every_token_of_a_transformer_can_be_chosen(visit, resnet):
    page = uploaded(visit, f"{resnet}#model=tokens.py:Tokens&lang=en")
    calculated(page, "wide~11~2~1")
    expect(page.locator('.head[data-layer="wide"]')).to_contain_text("12 features")
    expect(page.locator(".path")).to_contain_text("patch in row 1, column 1")
    theirs = page.locator(".result.theirs")
    expect(page.locator(".calculation")).to_contain_text("Sum of 8 products")
    shown = theirs.inner_text()
    page.locator(".own canvas").press("ArrowUp")
    expect(page.locator(".path")).to_contain_text("patch in row 0, column 1")
    page.locator(".own canvas").press("ArrowUp")
    expect(page.locator(".path")).to_contain_text("class token")
    eventually(page, lambda: theirs.inner_text() != shown)
    calculated(page, "getitem~11~0~0")
    expect(page.locator(".calculation")).to_contain_text("feature 11, class token")
    page.locator(".calculation").get_by_role("button", name="Where does this number come from?").click()
    expect(page.locator(".path")).to_contain_text("relu")
