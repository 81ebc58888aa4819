"""The LeNet-5 in one file of NumPy is that of PyTorch, value by value and gradient by gradient, and it learns."""

from __future__ import annotations

import ast
import json
import runpy
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from convscope.models.lenet import C3_TABLE, LeNet5

FILE = Path(__file__).parents[2] / "examples" / "microlenet.py"
lenet = runpy.run_path(str(FILE))


def pytorch(weights: dict[str, np.ndarray]) -> LeNet5:
    """The network of the package with the same weights; of C3 only the kernels of the table."""
    network = LeNet5().double()
    state = {name: torch.from_numpy(value) for name, value in weights.items()}
    state["C3.weight"] = torch.stack([state["C3.weight"][f, c] for f, row in enumerate(C3_TABLE) for c in row])
    state["output.targets"] = torch.from_numpy(lenet["CODES"])
    network.load_state_dict(state)
    return network


def test_distances_loss_and_every_gradient_equal_pytorch():
    rng = np.random.default_rng(3)
    weights, images, labels = lenet["start"](rng), rng.normal(size=(4, 1, 32, 32)), np.array([3, 1, 4, 1])
    y, backpropagate = lenet["forward"](weights, images)
    error, dy = lenet["loss"](y, labels)
    gradients = backpropagate(dy)

    network = pytorch(weights)
    outputs = network(torch.from_numpy(images))
    expected = network.loss(outputs, torch.from_numpy(labels))
    expected.backward()
    np.testing.assert_allclose(y, -outputs.detach().numpy(), rtol=1e-10)
    np.testing.assert_allclose(error, expected.item(), rtol=1e-10)
    for name, parameter in network.named_parameters():
        found = gradients[name]
        if name == "C3.weight":
            found = np.stack([found[f, c] for f, row in enumerate(C3_TABLE) for c in row])
        np.testing.assert_allclose(found, parameter.grad.numpy(), rtol=1e-9, atol=1e-10)


def test_the_loss_stays_finite_where_all_digits_are_far():
    y = np.full((1, 10), 2000.0)
    error, dy = lenet["loss"](y, np.array([2]))
    assert np.isfinite(error) and np.isfinite(dy).all()
    expected = 2000 + float(torch.logsumexp(torch.tensor([-20.0] + [-2000.0] * 10).double(), 0))
    assert abs(error - expected) < 1e-9


def test_it_learns_to_read_digits():
    shown: list[str] = []
    weights, accuracy = lenet["train"](epochs=1, show=shown.append)
    assert accuracy > 0.7 and len(shown) == 1 and sum(v.size for v in weights.values()) - 36 * 25 == 60_000


def test_it_is_one_short_file_of_numpy():
    text = FILE.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 200
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert {node.names[0].name if isinstance(node, ast.Import) else node.module for node in nodes} == {
        "numpy",
        "pathlib",
    }


CALL = """
import { readFileSync } from "node:fs";
import { forward, loss, zeros } from "FILE";
const { weights, images, labels } = JSON.parse(readFileSync(0, "utf8"));
const floats = (layer) => ({ weight: Float64Array.from(layer.weight), bias: Float64Array.from(layer.bias) });
const network = Object.fromEntries(Object.entries(weights).map(([name, layer]) => [name, floats(layer)]));
const gradients = zeros(network), distances = [], errors = [];
images.forEach((image, n) => {
  const [y, backpropagate] = forward(network, Float64Array.from(image));
  const [error, dy] = loss(y, labels[n]);
  backpropagate(dy, gradients);
  distances.push(y), errors.push(error);
});
const plain = (layer) => ({ weight: [...layer.weight], bias: [...layer.bias] });
const found = Object.fromEntries(Object.entries(gradients).map(([name, layer]) => [name, plain(layer)]));
console.log(JSON.stringify({ distances, errors, gradients: found }));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_the_same_in_javascript_gives_the_same_distances_losses_and_gradients():
    rng = np.random.default_rng(5)
    weights, images, labels = lenet["start"](rng), rng.normal(size=(2, 1, 32, 32)), np.array([7, 2])
    layers = {
        name: {kind: weights[f"{name}.{kind}"].ravel().tolist() for kind in ("weight", "bias")}
        for name in ("C1", "S2", "C3", "S4", "C5", "F6")
    }
    given = {"weights": layers, "images": images.reshape(2, -1).tolist(), "labels": labels.tolist()}
    call = [shutil.which("node"), "--input-type=module", "-e", CALL.replace("FILE", FILE.with_suffix(".mjs").as_uri())]
    found = json.loads(subprocess.run(call, input=json.dumps(given), capture_output=True, text=True, check=True).stdout)

    y, backpropagate = lenet["forward"](weights, images)
    np.testing.assert_allclose(found["distances"], y, rtol=1e-10)
    error, dy = lenet["loss"](y, labels)
    assert sum(found["errors"]) / 2 == pytest.approx(error, rel=1e-10)
    for name, gradient in backpropagate(dy).items():
        layer, kind = name.split(".")
        # JavaScript adds the gradients of the images, the mean of which is that of the batch.
        np.testing.assert_allclose(
            np.array(found["gradients"][layer][kind]) / 2, gradient.ravel(), rtol=1e-9, atol=1e-10
        )
