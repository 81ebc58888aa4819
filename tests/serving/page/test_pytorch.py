"""The view as a PyTorch program: it runs, and prints the numbers that the page shows."""

from __future__ import annotations

import base64
import contextlib
import io
import struct

import pytest
from playwright.sync_api import expect

from .conftest import calculated, number

# 5 x 5 numbers as links write them: 32-bit floats in base64.
VALUES = struct.pack("<25f", 0.1, *[0] * 5, 0.2, *[0] * 5, -0.5, *[0] * 5, 1, *[0] * 5, 2)
KERNEL = base64.urlsafe_b64encode(VALUES).decode().rstrip("=")
CHANGED = f"#model=mnist-relu&example=14&off=features.0~2&cover=10.10.3&kernel=features.3~9~4~5~{KERNEL}"
PLACES = {
    CHANGED: ["features.3~9~4~4", "features.5~3~2~1", "classifier.2~7~0~0", "softmax()~7~0~0"],
    "#model=mnist-lenet5&example=3": ["C3~6~2~3", "S2~1~4~5", "output~3~0~0"],
}


def run(program: str) -> dict[str, float]:
    """What the lines say that a program prints, by what stands before the colon."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(program, "program", "exec"), {})
    return {line.rpartition(":")[0]: line.rpartition(":")[2].strip() for line in out.getvalue().splitlines()}


@pytest.mark.parametrize("link", PLACES, ids=["changed", "lenet5"])
def test_the_copied_program_prints_the_pages_numbers(visit, mnist, link):
    page = visit(mnist + link, permissions=["clipboard-read", "clipboard-write"])
    for place in PLACES[link]:
        calculated(page, place)
        shown = number(page.locator(".result.theirs output").inner_text())
        page.get_by_role("button", name="Share").click()
        page.get_by_role("menuitem", name="Copy as PyTorch").click()
        expect(page.get_by_role("menuitem", name="Program copied")).to_be_visible()
        page.keyboard.press("Escape")
        printed = run(page.evaluate("navigator.clipboard.readText()"))
        layer = place.split("~")[0].removesuffix("()")
        own = next(value for said, value in printed.items() if said.startswith(layer))
        assert float(own) == pytest.approx(shown, abs=6e-4, rel=1e-4), place
        if layer in ("features.3", "classifier.2"):
            assert float(printed["worked out by hand"]) == pytest.approx(float(own), abs=1e-4)
        label = page.locator(".figure").inner_text()
        chance = number(page.locator(".verdict .chance").inner_text().strip("> %"))
        assert float(printed[label].removesuffix("%")) == pytest.approx(chance, abs=0.11)
