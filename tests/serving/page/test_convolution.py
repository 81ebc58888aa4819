"""The playground computes what PyTorch computes, refuses the impossible in the library's words, and slides."""

from __future__ import annotations

import itertools
import re

import pytest
import torch
from playwright.sync_api import expect
from torch.nn import functional as F

from convscope.insight import output_size

from .conftest import eventually, number

COMPUTE = """([image, kernel, settings]) => import("/convolution/settings.js").then(({ INITIAL, computeMaps }) => {
  const maps = computeMaps({ ...INITIAL, image, kernel, ...settings });
  const plain = (map) => map && { ...map, values: [...map.values] };
  return { conv: plain(maps.conv), act: plain(maps.act), pool: plain(maps.pool), problem: maps.problem };
})"""
ACTIVATIONS = {
    "relu": F.relu,
    "leaky": F.leaky_relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
}
POOLS = {
    "max": F.max_pool2d,
    "average": F.avg_pool2d,
    "sum": lambda x, size, stride: F.avg_pool2d(x, size, stride, divisor_override=1),
}
BORDERS = {"zeros": "constant", "replicate": "replicate", "reflect": "reflect"}


@pytest.fixture
def playground(visit, mnist):
    page = visit(mnist)
    page.locator("#to-convolution").click()
    expect(page.locator(".conv-sum")).to_be_visible()
    return page


def test_it_computes_what_pytorch_computes(playground):
    torch.manual_seed(0)
    image = torch.randn(9, 11, dtype=torch.float64)
    kinds = itertools.cycle(itertools.product(ACTIVATIONS, POOLS, (False, True), BORDERS))
    for size, stride, padding, dilation in itertools.product((1, 2, 3, 5), (1, 2, 3), (0, 1, 2), (1, 2)):
        activation, pooling, flip, border = next(kinds)
        kernel = torch.randn(size, size, dtype=torch.float64)
        settings = {"stride": stride, "padding": padding, "dilation": dilation, "flip": flip, "activation": activation,
                    "pooling": pooling, "poolSize": 2, "poolStride": 1,
                    "border": border}  # fmt: skip
        picture = {"height": 9, "width": 11, "values": image.flatten().tolist()}
        made = playground.evaluate(COMPUTE, [picture, kernel.flatten().tolist(), settings])
        weights = kernel.flip(0, 1) if flip else kernel
        bordered = F.pad(image[None, None], (padding,) * 4, mode=BORDERS[border])
        conv = F.conv2d(bordered, weights[None, None], stride=stride, dilation=dilation)
        act = ACTIVATIONS[activation](conv)
        expected = {"conv": conv, "act": act}
        if min(act.shape[2:]) >= 2:
            expected["pool"] = POOLS[pooling](act, 2, 1)
        else:
            assert made["problem"]["stage"] == "pool"
        for stage, truth in expected.items():
            map_ = made[stage]
            shown = torch.tensor(map_["values"], dtype=torch.float64).reshape(map_["height"], map_["width"])
            torch.testing.assert_close(shown, truth[0, 0], rtol=1e-12, atol=1e-12)


def test_slopes_are_pytorchs_gradients(playground):
    places = torch.linspace(-3, 3, 13, dtype=torch.float64) + 0.01
    shown = playground.evaluate(
        """([kinds, places]) => import("/drawer/plot.js").then(({ slopePlot }) => kinds.map((kind) =>
          places.map((x) => slopePlot(kind, x).textContent)))""",
        [["relu", "leakyrelu", "sigmoid", "tanh"], places.tolist()],
    )
    for texts, f in zip(shown, ACTIVATIONS.values(), strict=True):
        x = places.clone().requires_grad_()
        f(x).sum().backward()
        slopes = [number(text.rpartition(":")[2]) for text in texts]
        assert slopes == pytest.approx(x.grad.tolist(), rel=0.06, abs=6e-4)


def test_impossible_settings_are_refused_in_the_librarys_words(playground):
    ask = """(cases) => Promise.all([import("/convolution/compute.js"), import("/i18n.js")])
      .then(([{ outputSize }, { t }]) => cases.map(([size, kernel, stride, padding, dilation]) => {
        const found = outputSize(size, { kernel, stride, padding, dilation });
        return found.size ?? t(`convolution.why.${found.reason}`, found.values);
      }))"""
    cases = list(itertools.product((0, 1, 4, 7), (1, 3, 5, 11), (0, 1, 2), (-1, 0, 2), (0, 1, 3)))
    expected: list[int | str] = []
    for size, kernel, stride, padding, dilation in cases:
        try:
            expected.append(output_size("conv", size, kernel, stride, padding, dilation))
        except ValueError as problem:
            expected.append(str(problem))
    assert playground.evaluate(ask, cases) == expected
    page = playground
    page.locator("input[data-key=dilation]").fill("4")
    expect(page.locator(".conv-problem")).to_contain_text(
        "Impossible: a kernel of 3 with dilation 4 reaches over 9, which is larger than the input of 5"
    )
    expect(page.locator(".conv-formula output")).to_have_text("−3")
    page.locator("input[data-key=padding]").fill("2")
    expect(page.locator(".conv-problem")).to_be_hidden()
    page.locator("input[data-key=stride]").fill("0")
    expect(page.locator(".conv-problem")).to_contain_text("stride must be at least 1, not 0")


def test_the_window_moves_and_its_sum_is_written_out(playground):
    page = playground
    title, total = page.locator(".conv-working h3"), page.locator(".conv-sum output")
    expect(total).to_have_text("4")  # the example of many tutorials: 4 3 4, 2 4 3, 2 3 4
    page.get_by_role("button", name="Next place").click()
    expect(total).to_have_text("3")
    page.locator(".conv-card[data-stage=conv] canvas").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    expect(title).to_contain_text("Row 1, column 0")
    expect(total).to_have_text("2")
    products = page.locator(".conv-working .numbers").nth(2).locator("button")
    eventually(page, lambda: sum(map(number, products.all_inner_texts())) == 2)
    page.locator(".conv-controls .cells input").first.fill("-3")
    page.locator(".conv-card[data-stage=conv] canvas").focus()
    page.keyboard.press("ArrowUp")
    expect(total).to_have_text("0")  # 4 - 1 - 3


def test_the_window_follows_the_arrow_keys_on_the_picture(playground):
    page = playground
    page.locator(".conv-card canvas").first.focus()
    for key, place in (("ArrowRight", "Row 0, column 1"), ("ArrowDown", "Row 1, column 1"),
                       ("ArrowDown", "Row 2, column 1"), ("ArrowDown", "Row 2, column 1")):  # fmt: skip
        page.keyboard.press(key)
        expect(page.locator(".conv-working h3")).to_contain_text(place)


def test_pooling_and_a_window_that_slides_by_itself(playground):
    page = playground
    page.get_by_role("button", name="Max").click()
    expect(page.locator(".conv-sum")).to_contain_text("max(4, 3, 2, 4) =")
    expect(page.locator(".conv-working")).to_contain_text("Average pooling 3.25 · Sum pooling 13.")
    page.get_by_role("button", name="Sum", exact=True).click()
    expect(page.locator(".conv-sum")).to_have_text("4 + 3 + 2 + 4 = 13")
    page.get_by_role("button", name="No pooling").click()
    page.get_by_role("button", name="Slide the window").click()
    expect(page.locator(".conv-working h3")).to_contain_text("Row 2, column 2")  # the last place
    expect(page.get_by_role("button", name="Slide the window")).to_be_visible()


def test_borders_and_slopes_and_numbers_that_do_not_count(playground):
    page = playground
    stride, alert = page.locator("input[data-key=stride]"), page.locator(".conv-controls [role=alert] >> visible=true")
    stride.fill("-1")
    expect(page.locator(".conv-problem")).to_contain_text("stride must be at least 1, not -1")
    stride.fill("1.5")
    expect(alert).to_have_text("Give a whole number; it is still -1")
    stride.fill("1")
    expect(alert).to_have_count(0)
    expect(page.locator(".conv-problem")).to_be_hidden()
    page.get_by_label("Rows and columns").fill("11")
    expect(alert).to_have_text("Give a whole number from 1 to 10; there are still 5")
    page.get_by_label("Rows and columns").fill("5")
    expect(alert).to_have_count(0)
    assert page.get_by_role("button", name="Reflect").count() == 0  # without padding there is no border
    page.locator("input[data-key=padding]").fill("1")
    total = page.locator(".conv-sum output")
    expect(total).to_have_text("2")  # by hand, as those below
    for border, value in (("Replicate", "4"), ("Reflect", "5")):
        page.get_by_role("button", name=border).click()
        expect(total).to_have_text(value)
        expect(page.get_by_text(f'padding_mode="{border.lower()}"')).to_be_visible()
    page.locator("input[data-key=padding]").fill("5")
    expect(page.locator(".conv-problem")).to_contain_text("a border of 5 cannot mirror 5 rows")
    page.locator("input[data-key=padding]").fill("0")
    page.get_by_role("button", name="tanh").click()
    expect(page.locator(".slopes canvas")).to_have_count(2)
    expect(page.locator(".slopes")).to_contain_text(re.compile(r"slope at [\d.]+: [\d.e−]+"))
    expect(page.locator(".conv-working")).to_contain_text("Good: between −1 and 1")


def test_pictures_kernels_and_languages(playground, tmp_path):
    from PIL import Image

    page = playground
    page.get_by_role("button", name="Photo").click()
    expect(page.locator(".conv-card figcaption").nth(1)).to_have_text("70 × 70")
    page.locator(".conv-controls select").first.select_option("gauss")
    expect(page.locator(".conv-card figcaption").nth(1)).to_have_text("68 × 68")
    wide = tmp_path / "wide.png"
    Image.new("RGB", (400, 100), "white").save(wide)
    page.locator(".conv-controls input[type=file]").set_input_files(wide)
    expect(page.locator(".conv-card figcaption").first).to_have_text("18 × 72")
    expect(page.locator(".conv-formula output")).to_have_text(["14", "68"])
    expect(page.locator(".conv-sum output")).to_have_text("1")  # white stays white
    page.locator(".conv-controls input[type=file]").set_input_files(__file__)
    expect(page.locator(".conv-problem")).to_contain_text("not a picture")
    page.get_by_role("button", name="中文").click()
    expect(page.locator(".conv-controls h2").nth(1)).to_have_text("卷积核")
