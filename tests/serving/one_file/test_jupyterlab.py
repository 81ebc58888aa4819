"""A notebook in JupyterLab itself, and exported as HTML: the page in its frame answers there.

`make test-slow` installs JupyterLab; without it these tests say that they were skipped.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nbclient
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, FrameLocator, expect

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
CODE = """import convscope as cs

seven = cs.load_data("mnist-5k").splits["test"]
cs.show("mnist-relu", seven.images[list(seven.labels).index(7)])
"""
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/lab\?token=\w+")


@pytest.fixture(scope="module")
def notebook(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("notebooks") / "seven.ipynb"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}  # or it asks in a dialog
    nbformat.write(new_notebook(cells=[new_code_cell(CODE)], metadata={"kernelspec": kernel}), path)
    return path


@pytest.fixture(scope="module")
def lab(notebook: Path) -> Iterator[str]:
    """The address of a JupyterLab that shows the notebook's folder, with its token."""
    pytest.importorskip("jupyterlab", reason="pip install 'convscope[lab]'")
    words = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0"]
    log = notebook.parent / "lab.log"
    settings = os.environ | {"JUPYTER_CONFIG_DIR": str(notebook.parent / "config")}
    with log.open("w") as file:
        process = subprocess.Popen(words, cwd=notebook.parent, env=settings, stdout=file, stderr=file)
    try:
        for _ in range(600):
            if found := ADDRESS.search(log.read_text()):
                break
            assert process.poll() is None, log.read_text()[-2000:]
            time.sleep(0.2)
        assert found is not None, log.read_text()[-2000:]
        yield found[0]
    finally:
        process.terminate()
        process.wait(30)


def answers_and_opens_a_unit(frame: FrameLocator) -> None:
    expect(frame.locator(".verdict .figure")).to_have_text("7", timeout=120_000)
    frame.locator(".head[data-layer='features.0']").click()
    expect(frame.locator(".path")).to_contain_text("features.0")
    frame.locator("#to-convolution").click()
    expect(frame.locator(".conv-sum output")).to_be_visible()


def test_the_page_answers_in_jupyterlab(lab: str, browser: Browser):
    context = browser.new_context(viewport={"width": 1600, "height": 1100}, locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(lab.replace("/lab?", "/lab/tree/seven.ipynb?"))
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name=re.compile("^Run All Cells")).click()
    answers_and_opens_a_unit(page.frame_locator(".jp-OutputArea iframe"))
    context.close()


def test_an_exported_notebook_answers_without_jupyter(notebook: Path, browser: Browser):
    exporters = pytest.importorskip("nbconvert", reason="pip install 'convscope[lab]'")
    ran = nbformat.read(notebook, as_version=4)
    nbclient.NotebookClient(ran, timeout=300, kernel_name="python3").execute()
    html, _ = exporters.HTMLExporter().from_notebook_node(ran)
    path = notebook.with_suffix(".html")
    path.write_text(html, encoding="utf-8")
    context = browser.new_context(viewport={"width": 1600, "height": 1100}, locale="en-GB", offline=True)
    page = context.new_page()
    page.goto(path.as_uri())
    answers_and_opens_a_unit(page.frame_locator("iframe"))
    context.close()
