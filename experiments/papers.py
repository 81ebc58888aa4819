"""Write docs/papers.yaml: for every network what its paper says, what our code gives, and what it is compared with.

python -m experiments.papers
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

import convscope as cs
from convscope.models import CATALOGUE, PAPERS, shapes_alone

PAGE = Path(__file__).parents[1] / "docs" / "papers.yaml"
PAPER_OF = {card.name: paper for paper in PAPERS for card in import_module(f"convscope.models.{paper}").CARDS}
HEAD = """# One line per network: the published error and number of parameters (null where the paper has none), what our
# code gives (parameters, multiply-accumulates of one image of the input size, receptive field in pixels before the
# image is seen whole), with whose implementation it, or a network built by the same code, is compared, and the test.
# `python -m experiments.papers` writes it.
"""
# Numbers of parameters as the papers print them; our count rounds to them.
PRINTED = {
    "lenet5": "60,000", "alexnet_2012": "60 M", "vgg11": "133 M", "vgg11_lrn": "133 M", "vgg13": "133 M",
    "vgg16_c": "134 M", "vgg16": "138 M", "vgg19": "144 M", "resnet20": "0.27 M", "resnet32": "0.46 M",
    "resnet44": "0.66 M", "resnet56": "0.85 M", "resnet110": "1.7 M", "resnet1202": "19.4 M",
    "preact_resnet164": "1.7 M", "densenet40_k12": "1.0 M", "densenet100_k12": "7.0 M", "densenet100_k24": "27.2 M",
    "densenet_bc100_k12": "0.8 M", "densenet_bc250_k24": "15.3 M", "densenet_bc190_k40": "25.6 M",
    "efficientnet_b0": "5.3 M", "efficientnet_b1": "7.8 M", "efficientnet_b3": "12 M", "efficientnet_b4": "19 M",
    "efficientnet_b5": "30 M", "efficientnet_b6": "43 M", "efficientnet_b7": "66 M",
}  # fmt: skip
GOLDEN = "fixed numbers of an independent definition"
COUNTS = "counts and structure of the paper"
# By the file of the paper: what it is compared with, and the test; single networks below.
COMPARED = {
    "mlp": (GOLDEN, "test_golden_row"),
    "lenet": (GOLDEN, "test_golden_rows"),
    "mnist_cnn": (GOLDEN, "test_golden_row"),
    "alexnet_2012": (GOLDEN, "test_golden_row_in_both_forms"),
    "alexnet": ("torchvision", "test_alexnet_is_torchvisions_with_gradients"),
    "zfnet": (GOLDEN, "test_golden_row"),
    "nin": (GOLDEN, "test_golden_rows"),
    "vgg": ("torchvision", "test_is_torchvisions_with_gradients"),
    "googlenet": (GOLDEN, "test_golden_row"),
    "googlenet_tutorials": (GOLDEN, "test_golden_row_of_tutorial_0"),
    "bn_inception": (GOLDEN, "test_golden_row"),
    "inception_v3": ("torchvision", "test_it_is_the_same_function_as_torchvision"),
    "inception_v4": ("timm", "test_same_function_as_timm"),
    "inception_resnet": ("timm", "test_same_function_as_timm_of_v2"),
    "resnet": ("torchvision, timm", "test_same_function_as_torchvision"),
    "cifar_resnet": (GOLDEN, "test_golden_rows"),
    "preact_resnet": (GOLDEN, "test_golden_rows"),
    "densenet": ("torchvision, timm", "test_same_function_as_torchvision"),
    "efficientnet": ("torchvision, timm", "test_same_function_as_torchvision"),
    "mnist_fast": (COUNTS, "test_counts_by_hand"),
    "cifar_fast": (COUNTS, "test_counts_by_hand"),
}
SINGLE = {
    "softmax_regression": (COUNTS, "test_rows_of_pixels_are_taken_as_images_are"),
    "lenet5": (GOLDEN, "test_lenet5_golden_row"),
    "alexnet_227": (GOLDEN, "test_golden_row_of_alexnet_227"),
    "vgg11_lrn": (GOLDEN, "test_golden_rows"),
    "vgg16_c": (GOLDEN, "test_golden_rows"),
    "googlenet_bn": ("torchvision", "test_same_function_as_torchvision"),
    "googlenet_naive": (COUNTS, "test_naive_modules_only_grow"),
    "googlenet_tutorial1": ("the class that the tutorial types", "test_tutorial_1_is_the_class_that_its_notes_type"),
    "inception_resnet_v1": (GOLDEN, "test_golden_row_of_v1"),
    "plain18": (GOLDEN, "test_golden_rows"),
    "plain34": (COUNTS, "test_plain_block_is_the_residual_block_without_the_addition"),
    "densenet264": (COUNTS, "test_counts"),
    "densenet40_k12": (GOLDEN, "test_golden_row"),
} | {name: (COUNTS, "test_counts") for name in CATALOGUE if name.startswith(("densenet100", "densenet_bc"))}
for _name in ("resnet32", "resnet44", "resnet110", "plain32", "plain44", "plain110", "resnet1202", "resnet56"):
    SINGLE[_name] = (COUNTS, "test_counts")


def line(name: str) -> dict[str, Any]:
    """Return what docs/papers.yaml says of a network."""
    card = CATALOGUE[name]
    table = cs.summary(shapes_alone(name), card.input_size)
    paper = PAPER_OF[name]
    same_as, test = SINGLE.get(name) or COMPARED[paper]
    return {
        "year": card.year,
        "published": {
            "top1_error": card.top1_error, "top5_error": card.top5_error, "on": card.benchmark or None,
            "parameters": PRINTED.get(name),
        },
        "ours": {
            "input": list(card.input_size), "parameters": table.parameters, "macs": table.macs,
            "receptive_field": table.receptive_field,
        },
        "same_as": same_as,
        "check": f"tests/models/test_{paper}.py::{test}",
    }  # fmt: skip


def main() -> None:
    """Write docs/papers.yaml."""
    rows = [
        f"{name}: {yaml.safe_dump(line(name), default_flow_style=True, width=10_000, sort_keys=False)}"
        for name in CATALOGUE
    ]
    PAGE.write_text(HEAD + "".join(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
