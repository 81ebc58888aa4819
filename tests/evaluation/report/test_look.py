"""What the report shows of the network and of the data, against the layer table, NumPy and cases by hand."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from html import unescape
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import convscope as cs
from convscope.data.augment import parse_augment
from convscope.data.decoded import Decoded
from convscope.data.preprocess import Preprocess
from convscope.errors import printable
from convscope.evaluation import Evaluation, MultiLabelEvaluation
from convscope.evaluation.report.counts import count_rows, counts_of
from convscope.evaluation.report.download import mistakes_table
from convscope.evaluation.report.heat_maps import explained_label, right_answers
from convscope.evaluation.report.inside import box, inside_rows
from convscope.evaluation.report.look import look_inside
from convscope.evaluation.report.mistakes import suspected_labels
from convscope.evaluation.report.page import render
from convscope.evaluation.report.report import Report
from convscope.evaluation.report.seen import chosen_images, seen_images
from convscope.evaluation.report.speed import single_image_speed
from convscope.evaluation.run_report import write_run_report
from convscope.insight import Distribution
from convscope.task import Task


def evaluation_of(answers: list[int], labels: list[int], names: list[str] | None = None) -> Evaluation:
    logits = 4 * nn.functional.one_hot(torch.tensor(answers), 3).float()
    names = names or [f"{i}.png" for i in range(len(labels))]
    return Evaluation(["a", "b", "c"], names, torch.tensor(labels), logits, 0.5)


@pytest.fixture(scope="module")
def found(digits_run, tmp_path_factory) -> SimpleNamespace:
    """The three forms of one report."""
    place = tmp_path_factory.mktemp("forms")
    forms = ("html", "md", "json")
    paths = [write_run_report(str(digits_run.folder), format=form, output=place / form) for form in forms]
    return SimpleNamespace(**dict(zip(forms, (path.read_text("utf-8") for path in paths), strict=True)))


def test_the_three_forms_have_the_same_figures_and_they_are_those_of_summary(found, digits_run):
    table = cs.summary(digits_run.classifier)
    document = json.loads(found.json)
    assert document["summary"]["macs"] == table.macs and document["summary"]["parameters"] == table.parameters
    for row in table.layers:
        shape = " × ".join(map(str, row.output_shape))
        assert f"| {row.name} | {row.type} | {shape} | {row.parameters:,} | {row.macs:,} |" in found.md
        assert re.search(
            rf"<bdi>{row.name}</bdi>.*{shape}</td><td>{row.parameters:,}</td><td>{row.macs:,}</td>", found.html
        )
    assert {split: sum(counts) for split, counts in document["counts"].items()} == {
        "train": 1259,
        "val": 269,
        "test": 269,
    }
    assert "| all classes | 1,259 | 269 | 269 |" in found.md and "training</span>" in found.html
    for row in document["inside"]["layers"]:
        assert (
            f"<td>{row['values'][1]:.3g}</td>" in found.html
            and f"| {row['name']} | {row['values'][1]:.3g} |" in found.md
        )
    for name in document["suspected_labels"]:
        assert name in found.html and name in found.md
    assert document["best_epoch"] and document["speed"]["n"] >= 5


def test_the_page_shows_pictures_of_all_kinds_and_the_commands_to_go_on(found, digits_run):
    document = json.loads(found.json)
    wrong = min(document["n"] - round(document["top1"] * document["n"]), 24)
    assert found.html.count(f'alt="{document["heat_maps"]["method"]}"') == wrong + 8  # and 8 right answers
    sheet = found.html[found.html.index('id="seen"') : found.html.index('id="data"')]
    assert sheet.count("<img") == 6 * 5 and len(set(re.findall(r'src="(.*?)"', sheet))) == 30
    for verb in ("predict", "explain", "serve", "export", "share"):
        assert f"convscope {verb} {digits_run.folder}" in found.html
    assert f"convscope report {digits_run.folder} --robustness" in found.html


def test_the_table_of_mistakes_is_harmless_and_complete():
    names = ["=1+1.png", "-ö.png", "ok.png", "@x.png"]
    address, rows = mistakes_table(evaluation_of([0, 1, 2, 2], [1, 0, 2, 1], names))
    table = base64.b64decode(address.partition("base64,")[2]).decode("utf-8")
    read = list(csv.DictReader(io.StringIO(table)))
    assert rows == 3 and {row["path"] for row in read} == {"'=1+1.png", "'-ö.png", "'@x.png"}
    assert [(row["label"], row["prediction"]) for row in read if "ö" in row["path"]] == [("a", "b")]


def test_suspected_labels_follow_confident_learning_by_hand():
    labels = torch.tensor([0] * 9 + [1] * 3)
    sure, unsure = [[0.9, 0.1]], [[0.6, 0.4]]
    p = torch.tensor([*sure * 8, [0.05, 0.95], [0.1, 0.9], [0.2, 0.8], [0.45, 0.55]])
    # Images of class 1 have (0.9 + 0.8 + 0.55) / 3 = 0.75 for it on average: only the ninth image reaches that.
    evaluation = Evaluation(["a", "b"], ["x"] * 12, labels, p.log(), 0.5)
    assert suspected_labels(evaluation) == {8}
    # With another mistake the accuracy, 10 of 12, is too low to doubt labels.
    worse = torch.cat([p[:-1], torch.tensor(unsure)])
    assert suspected_labels(Evaluation(["a", "b"], ["x"] * 12, labels, worse.log(), 0.5)) == set()
    assert suspected_labels(evaluation_of([0, 1], [0, 1])) == set()  # a class without images, nothing wrong


def test_images_are_counted_by_class_and_split():
    counts = counts_of({"train": torch.tensor([0, 0, 2]), "test": torch.tensor([1])}, 3)
    assert counts == {"train": [2, 0, 1], "test": [0, 1, 0]}
    rows = count_rows(counts, ["a", "b", "c"])
    assert [row["share"] for row in rows["rows"]] == [1.0, 0.5, 0.5] and rows["totals"] == {"train": 3, "test": 1}
    assert counts_of({"val": torch.tensor([[1, 1], [0, 1]])}, 2) == {"val": [1, 2]}


def test_the_contact_sheet_has_one_image_of_each_class_plain_and_changed():
    labels = torch.tensor([2, 2, 0, 1])
    assert chosen_images(labels) == [2, 3, 0] and chosen_images(torch.tensor([[0, 0], [0, 1]])) == [0, 1]
    few = Decoded(torch.randint(0, 256, (2, 1, 8, 8), dtype=torch.uint8), labels[:2], ["x", "y"], [], [])
    rows = seen_images(few, Preprocess((1, 8, 8)), ["a", "b", "c"], parse_augment("brightness=0.5"), 0)
    assert [row["label"] for row in rows] == ["c", "c"] and len(set(rows[0]["changed"])) == 4
    assert seen_images(few, Preprocess((1, 8, 8)), ["a", "b", "c"], None, 0)[0]["changed"] == []


def test_right_answers_are_of_every_class_and_the_wrong_label_is_explained():
    assert right_answers(evaluation_of([0, 0, 1, 2], [0, 0, 2, 2]), 8) == [1, 3]
    several = MultiLabelEvaluation(
        ["a", "b"],
        ["x", "y"],
        torch.tensor([[1, 0], [1, 0]]),
        torch.tensor([[2.0, 3.0], [2.0, -3.0]]),
        0.1,
        Task((0.5, 0.5)),
    )
    assert explained_label(several, 0) == 1 and explained_label(several, 1) == 0 and right_answers(several, 4) == [1]


def test_boxes_and_bars_show_the_numbers():
    row = Distribution("r", "ReLU", "activation", (2, 1, 1), (-2, -1, 0, 1, 2, 3, 9), 0.5, 2, 1, None, 0.01)
    other = Distribution("o", "Linear", "linear", (2,), (0,) * 7, 1.0, 2, 2, None, 1.0)
    found = inside_rows([row, other])
    assert (found["dead"], found["rectified"]) == (1, 2)  # only behind rectifiers
    assert [one["gradient_share"] for one in found["rows"]] == [8, 100]
    # From -1 to 3 on 158 pixels: the box from 0 to 2 begins at 1 + 158 / 4 and is half as wide as all.
    assert 'x="40.5"' in box(row.values) and 'width="79.0"' in box(row.values) and box(other.values) == ""


def test_what_a_network_does_not_allow_is_left_out_and_said(caplog):
    class Rounds(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(16, 3)

        def forward(self, images):
            return self.layer(images.flatten(1)).detach()

    classifier = cs.Classifier(Rounds(), ["a", "b", "c"], Preprocess((1, 4, 4)))
    pixels = torch.randint(0, 256, (6, 1, 4, 4), dtype=torch.uint8)
    logits = classifier.logits(pixels)
    evaluation = Evaluation(["a", "b", "c"], ["x"] * 6, torch.arange(6) % 3, logits, 0.5)
    look = look_inside(classifier, pixels, evaluation)
    assert look.heat is None and look.table and look.distributions and look.distributions[0].gradients is None
    (reason,) = look.missing.values()
    assert (
        list(look.missing) == ["heat maps"] and f"the report has no heat maps for this network: {reason}" in caplog.text
    )
    page = render(Report("t", "test", evaluation, pixels, "", {}, look=look))
    assert 'id="missing"' in page and printable(reason) in unescape(page) and "热力图" in page


def test_speed_is_measured_on_single_images():
    sizes = []
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    network.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    speed = single_image_speed(network, Preprocess((1, 4, 4)), torch.device("cpu"))
    assert set(sizes) == {1} and speed["n"] == len(sizes) - 3
    assert 0 < speed["low_ms"] <= speed["median_ms"] <= speed["high_ms"] and np.isfinite(speed["high_ms"])
