"""A notebook as people write it, run by Jupyter: every result shows itself, and nothing is warned of."""

from __future__ import annotations

import nbclient
import pytest
from nbformat.v4 import new_code_cell, new_notebook

CELLS = {
    "import": "import torch\n\nimport convscope as cs\nfrom convscope.insight import trace",
    "summary": "cs.summary('lenet5')",
    "run": "run = cs.train('digits', 'lenet_relu', epochs=1)\nrun",
    "explanation": "image = cs.load_data('digits').splits['test'].images[0]\n"
    "cs.explain(run.classifier, image, methods=['hires-cam'])",
    "trace": "trace(run.classifier.network, torch.zeros(1, *run.classifier.preprocess.input_size))",
    "show": "cs.show(run.classifier, image)",
}
SHOWN = {"summary": "<table", "run": "test accuracy", "explanation": "hires-cam", "trace": "<table", "show": "<iframe"}


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The outputs of each cell."""
    notebook = new_notebook(cells=[new_code_cell(code) for code in CELLS.values()])
    place = {"metadata": {"path": str(tmp_path_factory.mktemp("notebook"))}}
    cells = nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources=place).execute().cells
    return {name: cell.outputs for name, cell in zip(CELLS, cells, strict=True)}


def test_every_result_shows_itself_in_a_notebook(ran):
    for name, part in SHOWN.items():
        [html] = [out.data["text/html"] for out in ran[name] if out.output_type == "execute_result"]
        assert part in html, name
    assert "srcdoc=" in html and len(html) > 300_000
    printed = "".join(out.text for outputs in ran.values() for out in outputs if out.output_type == "stream")
    assert "epoch   1/1" in printed and "Warning" not in printed
