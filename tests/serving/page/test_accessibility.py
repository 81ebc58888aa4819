"""axe-core finds nothing on any tab, in either theme."""

from __future__ import annotations

from pathlib import Path

import axe_playwright_python
import pytest

from .conftest import RELU, answered, box_of, until

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
VIEWS = {
    "network": "",
    "value": "&at=features.3~9~4~4",
    "layer": "&at=features.3",
    "softmax": "&at=softmax()~7~0~0",
    "convolution": "&tab=convolution",
    "training": "&tab=training",
    "lesson": "&tab=lesson&step=2",
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing(visit, mnist, theme, view):
    # The page's own policy forbids a test to add code to it.
    page = visit(f"{mnist}{RELU}&example=14&theme={theme}&lang=en{VIEWS[view]}", bypass_csp=True)
    if "tab=" not in VIEWS[view]:
        answered(page)
    if view in ("value", "lesson"):
        page.locator(".calculation[aria-busy=false] .result.theirs").wait_for()
    panel = f"#tab-{view}" if "tab=" in VIEWS[view] else "#tab-network"
    box_of(page, panel)
    until(page, "id => document.querySelector(id).textContent.length > 40", panel)
    page.evaluate(AXE)
    found = page.evaluate(
        """async () => (await axe.run()).violations.flatMap(({ id, nodes }) =>
          nodes.map(({ target, any }) => `${id}: ${target.join(" ")}: ${any[0]?.message ?? ""}`))"""
    )
    assert found == []
