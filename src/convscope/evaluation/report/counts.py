"""The images of each class by split, as the rows of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor


def counts_of(labels: Mapping[str, Tensor], classes: int) -> dict[str, list[int]]:
    """Return the number of images of each class by split, of labels N, or label marks N x classes."""
    return {
        name: (torch.bincount(values, minlength=classes) if values.ndim == 1 else values.sum(0)).tolist()
        for name, values in labels.items()
    }


def count_rows(counts: Mapping[str, Sequence[int]], class_names: Sequence[str]) -> dict[str, Any]:
    """Return `rows` with the counts of each class and its share of the most frequent one, and `totals` by split."""
    sums = [sum(numbers) for numbers in zip(*counts.values(), strict=True)]
    most = max([1, *sums])
    rows = [
        {"label": label, "counts": list(numbers), "share": total / most}
        for label, numbers, total in zip(class_names, zip(*counts.values(), strict=True), sums, strict=True)
    ]
    return {"rows": rows, "totals": {split: sum(numbers) for split, numbers in counts.items()}}
