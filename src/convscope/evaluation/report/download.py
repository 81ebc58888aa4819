"""The wrong images as a table that the page holds and the browser saves."""

from __future__ import annotations

import base64
from dataclasses import replace

from ..metrics import Evaluation
from ..multi_label import MultiLabelEvaluation

# A table of more rows would make the page too large.
MOST_ROWS = 20_000


def mistakes_table(evaluation: Evaluation | MultiLabelEvaluation) -> tuple[str, int]:
    """Return the address of a CSV file with the wrong images, the highest loss first, and the number of its rows.

    It has the columns of `predictions_test.csv`; no cell is a formula to a spreadsheet.
    """
    order = evaluation.worst(MOST_ROWS)
    few = replace(
        evaluation,
        names=[evaluation.names[i] for i in order],
        labels=evaluation.labels[order],
        logits=evaluation.logits[order],
    )
    content = few.table(safe=True).encode("utf-8", "surrogateescape")
    return f"data:text/csv;charset=utf-8;base64,{base64.b64encode(content).decode()}", len(order)
