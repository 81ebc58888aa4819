"""What results show of themselves in a notebook: well-formed, self-contained, and nobody's names become markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
import torch

import convscope as cs
from convscope import notebook_html
from convscope.insight import trace

VOID = {"img", "br", "polyline"}


class Checked(HTMLParser):
    """Reads HTML and fails where an element is not closed; collects words and addresses."""

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.words = ""
        self.sources: list[str] = []
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data + " "


@pytest.fixture(scope="module")
def shown(digits_run, tmp_path_factory):
    """The displays of all results, by name."""
    folder = tmp_path_factory.mktemp("explained")
    image = cs.load_data("digits").splits["test"].images[0]
    network = digits_run.classifier.network
    results = {
        "summary": cs.summary(network, digits_run.classifier.preprocess.input_size),
        "run": digits_run,
        "explanation": cs.explain(digits_run.classifier, image, methods=["hires-cam"], output=folder),
        "trace": trace(network, torch.zeros(1, *digits_run.classifier.preprocess.input_size)),
    }
    return {name: result._repr_html_() for name, result in results.items()}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("summary", ["61,706", "Conv2d", "connections", "fully connected"]),
        ("run", ["lenet_relu on digits", "test accuracy", "val/top1", "12 epochs"]),
        ("explanation", ["explained", "hires-cam", "what the network sees"]),
        ("trace", ["operations", "conv", "features.0"]),
    ],
)
def test_every_result_shows_itself(shown, name, words):
    checked = Checked(shown[name])
    for word in words:
        assert word in checked.words or word in shown[name], word
    assert all(source.startswith("data:image/png;base64,") for source in checked.sources)
    assert len(shown[name]) < 400_000
    # Colours of their own would vanish on the ground of the other theme.
    assert not re.search(
        r"(?<![-\w])(color|background)\s*:(?!inherit)|fill=\"(?!none)|stroke=\"(?!currentColor)", shown[name]
    )


def test_names_are_no_markup():
    text = notebook_html.table("<script>x</script>", ("<b>",), [("<img src=x onerror=y>",)])
    assert "<script" not in text and "<img" not in text and "<b>" not in text
    assert "<x" not in notebook_html.curve("<x", [1, 2]) + notebook_html.pictures([('"<x', b"")])


def test_a_long_table_leaves_its_middle_out():
    words = Checked(notebook_html.table("rows", ("n",), [(f"row{i}",) for i in range(1000)])).words
    assert "row0 " in words and "row999 " in words and "row500 " not in words and "900 more" in words
