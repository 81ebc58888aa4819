"""gradients.md below docs/, in both languages: every number recomputed, every link to a line of code followed."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from convscope.scratch.convolution import (
    correlate,
    correlate_backward,
    correlate_loops,
    correlate_loops_backward,
    input_gradient_by_convolution,
    turn,
)
from convscope.scratch.losses import squared_error
from convscope.scratch.pooling import (
    average_pool_backward,
    max_pool,
    max_pool_backward,
    sum_pool,
    sum_pool_backward,
)

DOCS = Path(__file__).parent.parent.parent / "docs"
PAGES = [DOCS / "en" / "gradients.md", DOCS / "zh" / "gradients.md"]


def blocks(page: Path) -> list[tuple[str, str]]:
    """The fenced blocks: (language, text)."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(encoding="utf-8"), flags=re.S | re.M)


def tables(page: Path) -> dict[str, np.ndarray]:
    """The matrices that stand beside each other in the figures: a line of names, and the rows under each name."""
    found: dict[str, np.ndarray] = {}
    for _, text in blocks(page):
        head, *rows = text.splitlines()
        if not re.fullmatch(r"\w+( {2,}\w+)*", head):
            continue
        names = list(re.finditer(r"\w+", head))
        ends = [*(name.start() for name in names[1:]), None]
        for name, end in zip(names, ends, strict=True):
            cells = [row[name.start() : end].split() for row in rows]
            matrix = np.array([[float(cell) for cell in line] for line in cells if line])
            np.testing.assert_array_equal(found.setdefault(name.group(), matrix), matrix)  # the same wherever it stands
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_every_number_is_what_the_code_computes(page):
    shown = tables(page)
    x, w, t = (shown[name][None, None] for name in ("x", "w", "t"))
    y = correlate_loops(x, w)
    error, dy = squared_error(y, t)
    dx, dw, db = correlate_loops_backward(dy, x, w)
    step = 0.02
    w_new, b_new = w - step * dw, -step * db
    y_new = correlate(x, w_new, b_new)
    y_max, winner = max_pool(x, 2, 1)
    computed = {
        "y": y, "dy": dy, "dx": dx, "dw": dw, "db": db[None, None, None],
        "dy_padded": np.pad(dy, ((0, 0), (0, 0), (1, 1), (1, 1))), "w_turned": turn(w),
        "w_new": w_new, "b_new": b_new[None, None, None], "y_new": y_new,
        "y_max": y_max, "dx_max": max_pool_backward(dy, winner, (3, 3), 2, 1),
        "y_sum": sum_pool(x, 2, 1), "dx_sum": sum_pool_backward(dy, (3, 3), 2, 1),
        "dx_average": average_pool_backward(dy, (3, 3), 2, 1),
    }  # fmt: skip
    assert set(shown) == {*computed, "x", "w", "t"}
    for name, value in computed.items():
        np.testing.assert_allclose(value[0, 0], shown[name], atol=1e-12, err_msg=name)
    assert error == 3.5 and round(squared_error(y_new, t)[0], 2) == 2.19
    np.testing.assert_array_equal(input_gradient_by_convolution(dy, x, w), dx)
    x[0, 0, 1, 1] += 0.001
    assert round(squared_error(correlate(x, w), t)[0] - error, 4) == 0.009


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_links_lead_to_the_functions_that_they_name(page):
    text = page.read_text(encoding="utf-8")
    lines = re.findall(r"\[`(\w+)`\]\(([^)#]+)#L(\d+)\)", text)
    assert len(lines) == 7
    for name, path, line in lines:
        code = (page.parent / path).read_text(encoding="utf-8").splitlines()
        at = next(i for i, row in enumerate(code, 1) if row.startswith(f"def {name}("))
        assert int(line) == at, f"{page.name}: {name} is at {path}#L{at}"
    for path in re.findall(r"\]\(([^)#]+)", text):
        assert (page.parent / path).exists(), path


def test_both_languages_show_the_same(capsys):
    english, chinese = map(blocks, PAGES)
    assert english == chinese
    (code,) = (text for language, text in english if language == "python")
    exec(code, {})
    assert capsys.readouterr().out == "[[ 1.  1. -2.]\n [ 1.  9. -1.]\n [-2.  5.  3.]]\n[[6. 6.]\n [3. 5.]]\n"


def test_the_formulas_in_words_hold():
    """dw is the image correlated with dy; dx is the full correlation of dy with the turned kernel."""
    shown = tables(PAGES[0])
    x, w, dy = (shown[name][None, None] for name in ("x", "w", "dy"))
    dx, dw, _ = correlate_backward(dy, x, w)
    np.testing.assert_array_equal(correlate(x, dy), dw)
    np.testing.assert_array_equal(correlate(dy, turn(w), padding="full"), dx)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_the_sums_in_the_text_are_right(page):
    text = page.read_text(encoding="utf-8").translate(str.maketrans("·−", "*-"))
    sums = re.findall(r"((?:\(?-?\d\)?\*\(?-?\d\)?(?: \+ )?)+) = (\d+)", text)
    assert [(eval(terms), int(total)) for terms, total in sums] == [(5, 5), (6, 6), (9, 9)]
