"""The engine's answers in a worker equal those of the service's inspector, picture by picture."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import convscope as cs
from convscope import insight
from convscope.evaluation.metrics import loss_of
from convscope.export.engine import describe_network
from convscope.serving.layer_health import layer_health
from convscope.serving.what_if import WhatIf

from .conftest import Engine, distance

SCRIPT = """
const worker = new Worker("/engine/worker.js", { type: "module" });
let asked = 0;
const ask = (question, ...words) => new Promise((resolve, reject) => {
  asked += 1;
  const id = asked;
  worker.addEventListener("message", ({ data }) => {
    if (data.id !== id) return;
    if (data.problem) reject(new Error(data.problem.en));
    else resolve(data.answer);
  });
  worker.postMessage({ id, question, words });
});
const graph = JSON.parse(new TextDecoder().decode(await given("graph")));
await ask("open", graph, await given("weights"), argument.classifier);
const pixels = Uint8Array.from(await floats("pixels"));
const first = await ask("forward", pixels);
const answers = [];
for (const [question, ...words] of argument.questions) {
  const before = ["field", "seen"].includes(question) ? [] : [first.session];
  answers.push(await ask(question, ...before, ...words).catch((problem) => problem.message));
}
worker.terminate();
const plain = (value) => {
  if (value instanceof Map) return plain(Object.fromEntries(value));
  if (ArrayBuffer.isView(value)) return Array.from(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
};
return plain([first, ...answers]);
"""
NAMES = ("mnist-lenet5", "mnist-relu")


def seven() -> Tensor:
    """A bundled digit as the classifiers see it: uint8, 1 x 32 x 32."""
    split = cs.load_data("mnist-5k").splits["test"]
    image = split.images[int(np.flatnonzero(split.labels == 7)[0])]
    return torch.from_numpy(np.pad(image, 2))[None]


class Asked:
    """A bundled classifier, a digit, and the engine's answers about both."""

    def __init__(self, engine: Engine, name: str):
        self.engine, self.classifier, self.pixels = engine, cs.load(name), seven()
        self.network = self.classifier.network.eval()
        self.images = self.normalise(self.pixels)

    def normalise(self, pixels: Tensor) -> Tensor:
        return self.classifier.preprocess.normalize(pixels[None])

    def __call__(self, *questions: Any) -> list[Any]:
        preprocess = self.classifier.preprocess
        argument = {
            "classifier": {
                "id": "digits", "class_names": self.classifier.class_names,
                "mean": list(preprocess.mean), "std": list(preprocess.std),
            },
            "questions": list(questions),
        }  # fmt: skip
        described = describe_network(self.network, preprocess.input_size)
        return self.engine.run(described, SCRIPT, argument, pixels=self.pixels.numpy())[0]


@pytest.fixture(params=NAMES)
def ask(request: pytest.FixtureRequest, engine: Engine) -> Asked:
    return Asked(engine, request.param)


def values_of(entry: dict[str, Any]) -> np.ndarray:
    """The maps of a layer in their own order, from their bytes."""
    maps = sorted(entry["maps"], key=lambda one: one["map"])
    return np.concatenate([one["low"] + np.array(one["data"]) / 255 * (one["high"] - one["low"]) for one in maps])


def test_forward_gives_probabilities_and_the_maps_of_every_layer(ask: Asked):
    answer, health = ask(["health"])
    expected = insight.trace(ask.network, ask.images)
    assert health["layers"] == [
        row | {"saturated": row["saturated"] if row["saturated"] is None else pytest.approx(row["saturated"], abs=2e-3)}
        for row in layer_health(expected)
    ]
    probabilities = ask.network(ask.images).softmax(1)[0].detach()
    assert answer["probabilities"][0]["label"] == "7"
    for one in answer["probabilities"]:
        assert one["probability"] == pytest.approx(float(probabilities[one["index"]]), abs=1e-5)
    assert list(answer["layers"]) == [node.name for node in expected.nodes]
    for node in expected.nodes:
        entry = answer["layers"][node.name]
        if len(entry["maps"]) == entry["total"]:
            output = expected.output(node.name)
            assert distance(values_of(entry).astype(np.float32), output.numpy()) < 1 / 255, node.name
        strengths = [np.abs(values_of({"maps": [one]})).mean() for one in entry["maps"]]
        assert all(a > b - 0.02 * strengths[0] for a, b in pairwise(strengths))


def layers_of(ask: Asked) -> tuple[str, str]:
    """A first and a second convolution with kernels."""
    return ("C1", "C3") if "C1" in dict(ask.network.named_modules()) else ("features.0", "features.3")


def test_kernels_fields_and_units_that_see_a_pixel(ask: Asked):
    traced = insight.trace(ask.network, ask.images)
    first, second = layers_of(ask)
    _, kernels, field, seen, beyond = ask(
        ["kernels", second, 9], ["field", second, 3, 8], ["seen", 12, 30], ["field", second, 3, 80]
    )
    expected = insight.kernels(ask.network, second)[9]
    assert kernels["shape"] == list(expected.shape)
    np.testing.assert_allclose(kernels["values"], expected.flatten().numpy(), rtol=1e-6)
    assert field["field"] == [
        (box := insight.field_of(traced, second, 3, 8)).top, box.left, box.bottom, box.right
    ]  # fmt: skip
    for node in traced.nodes:
        box = insight.seen_by(traced, node.name, 12, 30)
        assert seen["layers"][node.name] == [box.top, box.left, box.bottom, box.right], (node.name, first)
    assert beyond == "column 80 is not within 0 to 9"


def test_a_value_is_taken_apart(ask: Asked):
    _, second = layers_of(ask)
    _, answer, beyond = ask(
        ["arithmetic", second, {"map": 9, "y": 3, "x": 8}], ["arithmetic", second, {"map": 16, "y": 0, "x": 0}]
    )
    expected = insight.arithmetic(insight.trace(ask.network, ask.images), second, 9, 3, 8)
    assert answer["value"] == pytest.approx(expected.value, rel=1e-4)
    assert len(answer["terms"]) == len(expected.terms) == 25 * len(answer["partial_sums"])
    assert beyond == "map 16 is not within 0 to 15"


def test_what_if_equals_the_service(ask: Asked):
    first, second = layers_of(ask)
    kernel = {"layer": second, "map": 0, "input": 1, "values": [[0.1 * (x - y) for x in range(5)] for y in range(5)]}
    changes = {
        "channels_off": {first: [1, 4]}, "kernels": [kernel], "occlude": [{"row": 12, "column": 15, "radius": 4}],
    }  # fmt: skip
    lost = {"kernels": [{**kernel, "values": [[1]]}]}
    _, answer, refused, again = ask(["whatIf", changes], ["whatIf", lost], ["whatIf", {}])
    what_if = WhatIf(**changes)
    traced = insight.trace(ask.network, ask.images, keep=())
    network = what_if.apply_to_network(ask.network, {node.name: node for node in traced.nodes})
    images = ask.normalise(what_if.apply_to_pixels(ask.pixels[None])[0])
    np.testing.assert_allclose(answer["logits"], network(images)[0].detach().numpy(), rtol=1e-4, atol=1e-4)
    assert "has no kernel of this size" in refused
    np.testing.assert_allclose(again["logits"], ask.network(ask.images)[0].detach().numpy(), rtol=1e-4, atol=1e-4)


def test_gradients_equal_autograds(ask: Asked):
    _, answer = ask(["gradients", 3])
    expected = insight.gradients(ask.network, ask.images, torch.tensor([3]), loss_of(ask.network))
    assert answer["loss"] == pytest.approx(
        loss_of(ask.network)(ask.network(ask.images), torch.tensor([3])).item(), 1e-4
    )
    for name, gradient in expected.items():
        assert answer["norms"][name] == pytest.approx(float(gradient.norm()), rel=1e-3, abs=1e-6), name


@pytest.mark.parametrize("versus", [None, 1])
@pytest.mark.parametrize("method", insight.METHODS)
def test_attribution_equals_ours(ask: Asked, method: str, versus: int | None):
    _, answer = ask(["attribution", {"method": method, "label": 7, "versus": versus}])
    expected = insight.attribute(ask.network, ask.images, method, 7, versus=versus)[0]
    assert (answer["height"], answer["width"], answer["label"]) == (32, 32, 7)
    assert distance(np.array(answer["values"], np.float32), expected.detach().numpy()) < 1e-3


def test_half_and_eight_bit_weights_answer_nearly_the_same(engine: Engine):
    asked = Asked(engine, "mnist-relu")
    exact = asked.network(asked.images)[0].detach().numpy()
    for precision, most in (("float16", 2e-3), ("int8", 5e-2)):
        described = describe_network(asked.network, (1, 32, 32), precision)
        script = "const n = await load(); await give({ logits: n.logits(n.forward(await floats('images'))) });"
        _, found = engine.run(described, script, images=asked.images.numpy())
        assert 0 < distance(found["logits"], exact) < most
