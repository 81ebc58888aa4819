"""The figures of the convolution tab compute what PyTorch computes, can be changed, and travel in a link."""

from __future__ import annotations

import contextlib
import io
import re

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import expect
from torch.nn import functional as F

from .conftest import PAGE, eventually, number, until, written

PICTURE = np.asarray(Image.open(PAGE / "convolution" / "astronaut.png")).transpose(2, 0, 1).astype(float)

DROP = """async () => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 40, height: 30 });
  const context = canvas.getContext("2d");
  context.fillStyle = "rgb(200 100 50)";
  context.fillRect(0, 0, 40, 30);
  const blob = await new Promise((done) => canvas.toBlob(done));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([blob], "orange.png", { type: "image/png" }));
  document.querySelector(".colour-figure")
    .dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
}"""


@pytest.fixture
def figure(visit, mnist):
    def show(text, page=None):
        link = f"#model=mnist-relu&lang=en&tab=convolution&figure={text}"
        if page is None:
            page = visit(mnist + link)
        else:
            page.evaluate("hash => { location.hash = hash }", link)
        return page

    return show


def numbers_in(grids):
    return [
        [number(text) for text in grid.locator("button").evaluate_all("all => all.map((one) => one.dataset.value)")]
        for grid in grids.all()
        if grid.is_visible()
    ]


def joined(tensor):
    return ",".join(f"{value:g}" for value in tensor.flatten().tolist())


def test_several_kernels_over_three_channels(figure):
    torch.manual_seed(0)
    page = None
    for count, stride, padding in ((3, 2, 1), (2, 1, 0), (1, 3, 2)):
        image, weights = torch.randint(-3, 4, (3, 5, 5)).double(), torch.randint(-2, 3, (3, 3, 3, 3)).double()
        bias = torch.tensor([1.5, 0, -2], dtype=torch.float64)
        truth = F.conv2d(image[None], weights[:count], bias[:count], stride, padding)[0]
        at = [count - 1, truth.shape[1] - 1, 0]
        place = ".".join(map(str, [count, stride, padding, *at]))
        page = figure(f"volume~{place}~{joined(image)}~{joined(weights)}~{joined(bias)}", page)
        expect(page.locator(".volume .conv-working h3").first).to_contain_text(f"Map {at[0]}, row {at[1]}, column 0")
        maps = page.locator(".volume > .volume-line").first.locator(".numbers:has(button)")
        assert numbers_in(maps) == truth.flatten(1).tolist()
        expect(page.locator(".volume .conv-sum output")).to_have_text(f"{truth[tuple(at)]:g}".replace("-", "−"))
        terms = page.locator(".volume .conv-sum").inner_text().split("=")[0]
        assert sum(number(term.strip(" ()")) for term in terms.split(" + ")) == truth[tuple(at)]


def test_the_kernels_slide_and_can_be_changed(figure, visit):
    page = figure("volume")
    title, total = page.locator(".volume .conv-working h3").first, page.locator(".volume .conv-sum output")
    expect(total).to_have_text("2")
    page.get_by_role("button", name="Next place").click()
    expect(title).to_contain_text("Map 0, row 0, column 1")
    expect(total).to_have_text("6")
    bias = page.get_by_label("bias").first
    bias.fill("5")
    expect(total).to_have_text("10")
    first = page.locator(".volume .numbers").first.locator("input")
    assert first.nth(0).get_attribute("readonly") is not None  # the padding
    first.nth(16).fill("9")  # below a weight of 1, where 2 was
    expect(total).to_have_text("17")
    page.get_by_role("slider", name="Speed").fill("4")
    page.get_by_role("button", name="Slide the window").click()
    expect(page.locator(".volume .later").first).to_be_attached()
    expect(title).to_contain_text("Map 2, row 2, column 2")
    expect(page.locator(".volume .later")).to_have_count(0)
    link = written(page)
    other = visit(link)
    expect(other.locator(".volume .conv-working h3").first).to_contain_text("Map 2, row 2, column 2")
    expect(other.get_by_label("bias").first).to_have_value("5")
    assert written(other) == link
    broken = visit(re.sub("figure=[^&]*", "figure=volume~9.9", link))
    expect(broken.locator("#notice p")).to_contain_text("cannot be read")


def test_a_colour_picture_through_one_kernel(figure, tmp_path):
    kernel = torch.arange(27).double().reshape(3, 3, 3) / 8 - 1
    page = figure(f"colour~photo~{joined(kernel)}~2.5~40.20")
    total = page.locator(".colour-sum output")
    truth = F.conv2d(torch.tensor(PICTURE)[None], kernel[None])[0, 0] + 2.5
    expect(total).to_have_text(f"{truth[40, 20]:.3f}".rstrip("0").rstrip(".").replace("-", "−"))
    patches = page.locator(".colour-row .numbers:has-text('pixels')")
    assert numbers_in(patches) == PICTURE[:, 40:43, 20:23].reshape(3, -1).tolist()
    made = page.evaluate(
        """([channels, kernels]) => import("/convolution/figures/channels.js").then(({ partsOf, addedUp }) => {
          const maps = channels.map((values) => ({ values, height: 72, width: 72 }));
          const parts = partsOf(maps, kernels, { kernel: 3 });
          return [...addedUp(parts, 2.5).values];
        })""",
        [PICTURE.reshape(3, -1).tolist(), kernel.flatten(1).tolist()],
    )
    torch.testing.assert_close(torch.tensor(made, dtype=torch.float64), truth.flatten(), rtol=1e-12, atol=1e-9)
    page.get_by_label("Kind").select_option("orange")
    page.get_by_label("bias").fill("0")
    red, blue = PICTURE[0, 41, 21], PICTURE[2, 41, 21]
    expect(total).to_have_text(f"{red - blue:g}".replace("-", "−"))
    page.locator(".colour-sum canvas").focus()
    page.keyboard.press("ArrowRight")
    expect(total).to_have_text(f"{PICTURE[0, 41, 22] - PICTURE[2, 41, 22]:g}".replace("-", "−"))
    gray = tmp_path / "gray.png"
    Image.new("RGB", (30, 20), (90, 90, 90)).save(gray)
    page.locator(".colour-picture input[type=file]").set_input_files(gray)
    expect(page.locator(".colour-picture figcaption")).to_have_text("20 × 30 × 3")
    expect(total).to_have_text("0")  # what is gray cancels
    page.evaluate(DROP)
    expect(total).to_have_text("150")  # red 200, blue 50
    expect(page.locator("#to-convolution")).to_have_attribute("aria-selected", "true")  # and not given to the network
    page.locator(".colour-picture input[type=file]").set_input_files(__file__)
    expect(page.get_by_role("alert")).to_contain_text("not a picture")


def test_raw_pixels_saturate(figure):
    page = None
    for activation, f in (("sigmoid", torch.sigmoid), ("tanh", torch.tanh)):
        page = figure(f"saturation~{activation}~180~0.06", page)
        expect(page.get_by_role("button", name=activation, exact=False)).to_have_attribute("aria-pressed", "true")
        for column, divisor in enumerate((1, 255)):
            w, x = torch.tensor(0.06, dtype=torch.float64, requires_grad=True), 180 / divisor
            z = w * x
            z.retain_grad()
            y = f(z)
            (y**2 / 2).backward()
            slope = z.grad.item() / y.item()
            outputs = page.locator(".saturation-words").nth(column).locator("output")
            shown = [number(text.replace("e−", "e-")) for text in outputs.all_inner_texts()]
            assert shown == pytest.approx([z.item(), y.item(), slope, w.grad.item()], rel=0.06, abs=6e-4)
    page.get_by_label("Weight w").fill("-0.5")
    words = page.locator(".saturation .conv-card > p")
    expect(words.nth(0)).to_have_text(re.compile(r"^\d of 256"))
    expect(words.nth(1)).to_have_text(re.compile("^256 of 256"))


def test_graphs_compute_what_pytorch_computes(figure):
    page = figure("graph")
    made = page.evaluate(
        """() => Promise.all([import("/convolution/figures/graphs.js"), import("/convolution/figures/autograd.js")])
      .then(([{ GRAPHS, firstValues, pytorchOf }, { forward, backward }]) => Object.values(GRAPHS).map((graph) => {
        const leaves = Object.fromEntries(Object.entries(firstValues(graph)).map(([id, values]) =>
          [id, values.map((value, i) => value * 1.25 + 0.125 * i)]));
        const values = forward(graph.nodes, leaves);
        return { code: pytorchOf(graph, leaves), leaves: Object.keys(leaves),
          values: Object.fromEntries(values), gradients: Object.fromEntries(backward(graph.nodes, values)) };
      }))"""
    )
    assert len(made) == 7
    for graph in made:
        names: dict = {}
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(graph["code"], names)
        assert "grad" in graph["code"] and "tensor" in printed.getvalue()
        for name, values in graph["values"].items():
            assert names[name].reshape(-1).tolist() == pytest.approx(values, rel=1e-5, abs=1e-6)
        for name in graph["leaves"]:
            assert names[name].grad.tolist() == pytest.approx(graph["gradients"][name], rel=1e-5, abs=1e-6)


def test_a_graph_is_gone_through_step_by_step(figure, visit):
    page = figure("graph")
    value = page.locator(".graph-node[data-id=z] .graph-value")
    expect(value).to_have_text("[4, 6, 8]")
    page.locator(".graph-node[data-id=x] input").first.fill("10")
    expect(value).to_have_text("[13, 6, 8]")
    expect(page.locator(".graph-code")).to_contain_text("x = torch.tensor([10., 2., 3.]")
    page.get_by_role("button", name="Three layers").click()
    slope = page.locator(".graph-node[data-id=c] .graph-gradient")
    expect(slope).to_have_text("gradient 36")
    step = page.get_by_role("button", name="Next operation")
    step.click()  # from the end to the beginning
    expect(page.locator(".graph-node[data-id=h1] .graph-value")).to_have_text("…")
    seen = []
    for _ in range(6):
        step.click()
        seen.append(slope.inner_text().strip())
    assert seen == ["", "", "", "gradient 12", "gradient 24", "gradient 36"]  # each use of c adds its part
    expect(page.locator(".edge.back")).to_have_count(6)
    expect(page.locator(".graph-said")).to_contain_text("times the value of the other one")
    written(page)
    page.get_by_role("button", name="A colour picture").click()
    until(page, "() => location.hash.includes('figure=colour')")
    page.go_back()  # figures are steps of the history
    expect(page.locator(".edge.back")).to_have_count(6)
    other = visit(written(page))
    expect(other.locator(".graph-node[data-id=h1]")).to_have_class(re.compile("front"))
    other.get_by_role("slider", name="Speed").fill("4")
    other.get_by_role("button", name="Forward and backward").click()
    eventually(other, lambda: other.locator(".graph-node[data-id=h3].front").count() > 0)
    other.get_by_role("button", name="中文").click()
    until(other, "() => document.querySelector('.graph-program h3')?.textContent === '用 PyTorch 写'")


def test_on_a_tablet_what_belongs_together_stands_in_a_row(visit, mnist):
    page = visit(mnist + "#model=mnist-relu&lang=en&tab=convolution&figure=volume", width=820, height=1180)
    tops = "all => all.map(one => Math.round(one.getBoundingClientRect().top))"
    grids = page.locator(".volume > .volume-line").first.locator(".numbers:has(button)")
    expect(grids).to_have_count(3)
    eventually(page, lambda: len(set(grids.evaluate_all(tops))) == 1)
    page.evaluate("hash => { location.hash = hash }", "#tab=convolution&figure=colour&model=mnist-relu&lang=en")
    row = page.locator(".colour-row").first.locator("> *")
    expect(row).to_have_count(3)
    middles = (
        "all => all.map((one) => one.getBoundingClientRect()).map(({ top, height }) => Math.round(top + height / 2))"
    )
    eventually(page, lambda: np.ptp(row.evaluate_all(middles)) < 3)


def test_the_scale_above_a_map_has_fewer_digits_where_room_is_scarce(visit, mnist):
    page = visit(mnist + "#model=mnist-relu&lang=en&tab=convolution")
    texts = page.evaluate("""() => import("/network/headtext.js").then(({ scaleText }) =>
      [100, 42, 30].map((width) => scaleText(0.6752, width)).concat(scaleText(1.26e-8, 300), scaleText(166, 20)))""")
    assert texts[:3] == ["±0.675", "±0.68", "±0.7"] and texts[3:] == ["±1.3e−8", "±200"]
