"""docs/coverage.yaml is true: each item of the tutorials is explained where it says, and what checks it exists."""

from __future__ import annotations

import ast
import re

import torch
import yaml
from scripts.coverage_table import coverage_table
from torch import nn

import convscope as cs
from convscope.models import CATALOGUE, shapes_alone

from .walkthrough import PAGES, ROOT, blocks

ITEMS = yaml.safe_load((ROOT / "docs" / "coverage.yaml").read_text(encoding="utf-8"))
NUMBERS = {"A": 95, "B": 39, "D": 6, "M": 45}
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def text(language: str, page: str) -> str:
    return (ROOT / "docs" / language / page).read_text(encoding="utf-8")


def functions(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_item_is_there_once_and_in_order():
    assert list(ITEMS) == [f"{part}{i}" for part, most in NUMBERS.items() for i in range(1, most + 1)]


def test_the_words_stand_in_both_languages():
    for item, entry in ITEMS.items():
        for language in ("zh", "en"):
            assert len(entry[language]) >= {"zh": 4, "en": 8}[language], item
            assert entry[language] in text(language, entry["page"]), (item, language)
        assert not CHINESE.search(entry["en"]), item
    formulas = {item for item, entry in ITEMS.items() if not CHINESE.search(entry["zh"])}
    assert formulas <= {"A14", "A26", "A51", "A57", "A58", "A70", "A88", "B9", "B15", "B17"}


def test_every_item_has_a_chapter_and_a_line_on_the_site():
    for language in ("zh", "en"):
        page = coverage_table(language)
        for item, entry in ITEMS.items():
            assert (ROOT / "docs" / language / "course" / f"{entry['course']}.md").exists(), item
            assert f"\n| {item} | [" in page


def test_what_checks_an_item_exists():
    known = {
        path: functions(path) for path in {e["check"].split("::")[0] for e in ITEMS.values() if "::" in e["check"]}
    }
    computed = {page.stem: any(block.output for block in blocks(page)) for page in PAGES}
    for item, entry in ITEMS.items():
        check = entry["check"]
        if check == "page":
            assert computed[entry["page"].removeprefix("tutorials/").removesuffix(".md")], item
        elif check != "text":
            path, name = check.split("::")
            assert name in known[path], (item, check)
    assert sum(entry["check"] == "text" for entry in ITEMS.values()) <= 20


def test_each_mistake_is_stated_once_in_each_language():
    for language, word in (("zh", "错误"), ("en", "Mistake")):
        pages = "\n".join(text(language, f"tutorials/{page.name}") for page in PAGES)
        stated = re.findall(rf"\*\*{word} (\d+)[。.]\*\*", pages)
        assert sorted(map(int, stated)) == list(range(1, NUMBERS["M"] + 1))


def test_years_of_the_networks():
    """Mistakes 6 and 37: LeNet-5 is of 1998, and Krizhevsky is AlexNet's first author."""
    assert CATALOGUE["lenet5"].year == 1998
    assert "Krizhevsky" in CATALOGUE["alexnet_2012"].authors.split(",")[0]


def test_pooling_has_no_parameters():
    """Mistake 10: no parameters in pooling; without it the convolutions have as many, the linear layer four times."""
    counts = {}
    for pool in (nn.MaxPool2d(2), nn.Identity()):
        network = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), pool, nn.Flatten(), nn.LazyLinear(10))
        network(torch.zeros(1, 1, 8, 8))
        counts[type(pool).__name__] = [sum(p.numel() for p in layer.parameters()) for layer in network]
    assert counts == {"MaxPool2d": [40, 0, 0, 650], "Identity": [40, 0, 0, 2570]}


def test_parameters_of_an_mlp_grow():
    """Mistake 23: linearly with depth, with the square of the width."""

    def weights(depth: int, width: int) -> int:
        network = shapes_alone("mlp", hidden=[width] * depth)
        return sum(p.numel() for p in network.parameters() if p.shape == (width, width))

    assert [weights(depth, 50) for depth in (2, 3, 4)] == [2500, 5000, 7500]
    assert weights(2, 100) == 4 * weights(2, 50)


def test_alexnets_neurons():
    """Mistake 43: 227 fits and 224 does not; 290,400 neurons in the first layer give the abstract's 650,000."""
    assert (227 - 11) % 4 == 0 and (224 - 11) % 4 != 0
    rows = {row.name: row for row in cs.summary(shapes_alone("alexnet_2012"), (3, 227, 227)).layers}
    first = rows["features.0"].output_shape
    assert first[0] * first[1] * first[2] == 290_400
    learning = [row.output_shape for row in rows.values() if row.type in ("Conv2d", "Linear")]
    assert 650_000 <= sum(torch.Size(shape).numel() for shape in learning) < 660_000


def test_the_errors_by_year_fall():
    page = "tutorials/3-find-the-logo.md"
    tables = [re.findall(r"^\| (\d{4}) \| .* \| ([\d.]+) \|$", text(lang, page), flags=re.M) for lang in ("zh", "en")]
    assert tables[0] == tables[1]
    errors = [float(error) for _, error in tables[0]]
    assert len(errors) == 8 and errors == sorted(errors, reverse=True)
    assert [error for year, error in tables[0] if year == "2015"] == ["3.57"]
