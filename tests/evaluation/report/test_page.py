"""The report: complete, self-contained, in two languages, and safe with any name; opened in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import axe_playwright_python
import pytest
import torch

import convscope as cs
from convscope.evaluation import Evaluation
from convscope.evaluation.report.confidence_charts import reliability_chart
from convscope.evaluation.report.page import render, write_report
from convscope.evaluation.report.pictures import pixels_url
from convscope.evaluation.report.report import Report

from ...offline_page import opened

HOSTILE = ["<script>alert(1)</script>", "猫", 'a"b', "ملف", "line\nbreak", "\udcff", "x" * 200]

AXE_FINDINGS = """async () => (await axe.run()).violations.flatMap(({ id, nodes }) =>
  nodes.map(({ target, any }) => `${id}: ${target.join(" ")}: ${any[0]?.message ?? ""}`))"""


def report_of(names: list[str], wrong: bool = True, history: bool = True) -> Report:
    count = len(names)
    labels = torch.arange(count).repeat(3)
    answers = labels.roll(1) if wrong else labels
    files = [f"{name}/{i}.png" for i, name in enumerate(names * 3)]
    evaluation = Evaluation(names, files, labels, 4 * torch.nn.functional.one_hot(answers, count).float(), 0.5)
    rows = [
        {"epoch": i, "train/loss": 1 / i, "train/top1": 1 - 1 / i, "val/loss": 1 / i, "val/top1": 1.0}
        for i in range(1, 6)
    ]
    pixels = torch.randint(0, 256, (3 * count, 3, 8, 8)).to(torch.uint8)
    metrics = {"parameters": 60000, "train_seconds": 12.3, "images_per_second": 1234.5, "best_epoch": 5}
    return Report(
        "net · " + names[0], "test", evaluation, pixels, "convscope train x", metrics, {}, rows if history else []
    )


def test_the_report_is_complete(digits_run):
    page = (digits_run.folder / "report.html").read_text(encoding="utf-8")
    figures = digits_run.metrics["test"]
    right = round(figures["top1"] * figures["n"])
    assert f"{100 * figures['top1']:.1f}%" in page and f"{right:,} correct" in page and f"{right:,} 张正确" in page
    assert "convscope train digits --model lenet_relu --epochs 12" in page
    order = (
        "Always answering", ">What the network sees<", ">The data<", ">The network, layer by layer<",
        ">Training curves<", ">Results per class<", ">Confused classes<", ">Worst mistakes<", ">Confidence<",
        ">Where it looks<", ">Inside<", ">Robustness<", ">Size and speed<", ">How to reproduce<", ">Go on<",
    )  # fmt: skip
    places = [page.rindex(words) for words in order if words != ">Worst mistakes<" or right < 269]
    assert places == sorted(places) and page.count('class="chart"') == 4
    assert ("The weakest class is" in page) == (right < 269) and "It says “unknown”" in page
    assert all(f"<bdi>{label}</bdi>" in page for label in range(10))


def test_the_report_has_no_links(digits_run):
    page = (digits_run.folder / "report.html").read_text(encoding="utf-8")
    links = re.findall(r"""(?:src|href|url\()\s*=?\s*["'(]?((?:https?:)?//[^"')\s]+)""", page)
    assert links == []


def test_every_text_has_both_languages():
    page = render(report_of(["a", "b", "c"]))
    assert page.count('<span lang="en">') == page.count('<span lang="zh-Hans">') > 20


def test_hostile_names_stay_text():
    page = render(report_of(HOSTILE))
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page
    assert "line\\nbreak" in page and "\\udcff" in page
    page.encode("utf-8")


def test_all_right_and_no_history_and_many_classes_are_possible():
    page = render(report_of([f"class {i}" for i in range(60)], wrong=False, history=False))
    assert "all 180 test images are classified correctly" in page and "全部 180 张测试图像均分类正确" in page
    assert (
        "No image was assigned to a wrong class" in page
        and 'class="matrix"' not in page
        and "Worst mistakes" not in page
    )


def test_a_chart_without_a_point_is_empty():
    """As of a test split of three images."""
    assert reliability_chart([], None).startswith("<svg")


def test_pictures_are_exact(tmp_path):
    import base64
    import io

    import numpy as np
    from PIL import Image

    for channels in (1, 3):
        pixels = torch.randint(0, 256, (channels, 5, 7)).to(torch.uint8)
        content = base64.b64decode(pixels_url(pixels).split(",")[1])
        array = np.asarray(Image.open(io.BytesIO(content)))
        assert (array.reshape(5, 7, channels) == pixels.permute(1, 2, 0).numpy()).all()


@pytest.mark.parametrize(
    ("locale", "shown", "hidden"),
    [("en-US", "Training curves", "训练曲线"), ("zh-CN", "训练曲线", "Training curves")],
)
def test_the_report_is_in_the_readers_language(browser, digits_run, locale, shown, hidden):
    with opened(browser, (digits_run.folder / "report.html").as_uri(), locale=locale) as page:
        assert shown in page.inner_text("body") and hidden not in page.inner_text("body")
        page.get_by_role("button", name="EN" if locale.startswith("zh") else "中文").click()
        assert hidden in page.inner_text("body") and shown not in page.inner_text("body")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser, tmp_path, scheme):
    write_report(tmp_path / "report.html", report_of([f"class {i}" for i in range(30)]))
    options = {"color_scheme": scheme, "bypass_csp": True, "locale": "en-US"}
    with opened(browser, (tmp_path / "report.html").as_uri(), **options) as page:
        page.evaluate((Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8"))
        assert page.evaluate(AXE_FINDINGS) == []


@pytest.mark.parametrize("width", [360, 1280])
def test_the_report_fits_a_phone_and_a_wide_screen(browser, tmp_path, width):
    write_report(tmp_path / "report.html", report_of(HOSTILE))
    viewport = {"width": width, "height": 800}
    with opened(browser, (tmp_path / "report.html").as_uri(), viewport=viewport) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("figure svg").first.bounding_box()["width"] > 200


def test_paper_is_light_without_controls_and_tables_are_whole(browser, tmp_path):
    from playwright.sync_api import expect

    report = report_of([f"class {i}" for i in range(60)])
    report.counts = {"train": [5] * 60}
    write_report(tmp_path / "report.html", report)
    with opened(browser, (tmp_path / "report.html").as_uri(), color_scheme="dark") as page:
        expect(page.locator("body")).to_have_css("background-color", "rgb(20, 24, 31)")
        assert page.locator("#data .scroll").evaluate("e => e.scrollHeight > e.clientHeight")
        page.emulate_media(media="print")
        expect(page.locator("body")).to_have_css("background-color", "rgb(251, 250, 247)")
        expect(page.locator("nav.contents")).to_be_hidden()
        assert page.locator("#data .scroll").evaluate("e => e.scrollHeight == e.clientHeight")


def test_the_command_makes_the_same_training(digits_run):
    from convscope.training.results import command_of

    recipe = cs.Recipe.load(digits_run.folder / "recipe.yaml")
    changed = recipe.changed(nesterov=True, optimizer="sgd", model_args={"num": 3}, lr=0.05, time_budget=90.0)
    command = command_of(changed)
    assert command.startswith(
        "convscope train digits --model lenet_relu --model-arg num=3 --epochs 12 --time-budget 90"
    )
    assert "--optimizer sgd" in command and "--nesterov" in command and "--lr 0.05" in command


def test_the_controls_of_the_report_work(browser, tmp_path):
    from playwright.sync_api import expect

    names = ["<script>alert(1)</script>", "正常/异常", "c"]
    labels = torch.tensor([0] * 6 + [1] * 6 + [2] * 6)
    answers = torch.tensor([0, 0, 0, 1, 1, 1, *[1] * 6, 2, 2, 2, 2, 2, 0])
    logits = torch.linspace(1, 5, 18)[:, None] * torch.nn.functional.one_hot(answers, 3)
    evaluation = Evaluation(names, [f"{i}<b>.png" for i in range(18)], labels, logits, 0.5)
    pixels = torch.randint(0, 256, (18, 3, 200, 100)).to(torch.uint8)
    write_report(tmp_path / "report.html", Report("net", "test", evaluation, pixels, "x", {"parameters": 1}))
    with opened(browser, (tmp_path / "report.html").as_uri(), locale="en-US") as page:
        first = page.locator("table.sortable tbody tr").first
        page.get_by_role("button", name="recall").click()
        expect(first).to_contain_text("正常/异常")
        page.get_by_role("button", name="recall").click()
        expect(first).to_contain_text("<script>")
        page.locator('[data-cell="0,1"]').click()
        expect(page.locator("dialog img")).to_have_count(3)
        expect(page.locator("dialog h3")).to_contain_text("<script>alert(1)</script> → 正常/异常: 3")
        page.keyboard.press("Escape")
        expect(page.locator("dialog")).to_be_hidden()
        slider = page.locator("#threshold")
        expect(page.locator("#answered .coverage")).to_have_text("100.0%")
        slider.focus()
        page.keyboard.press("End")
        expect(page.locator("#answered .coverage")).not_to_have_text("100.0%")
        with page.expect_download() as saved:
            page.get_by_role("link", name="Save the mistakes").click()
        assert saved.value.suggested_filename == "mistakes_test.csv"
        assert len(Path(saved.value.path()).read_text("utf-8").splitlines()) == 5  # the header and 4 mistakes
        link = page.locator(".contents a", has_text="Confused classes")
        link.click()
        expect(page.locator("h2", has_text="Confused classes")).to_be_in_viewport()
        expect(page.locator("nav.contents")).to_be_in_viewport()
        expect(link).to_have_attribute("aria-current", "true")
