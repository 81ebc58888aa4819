"""Training in the page's engine: gradients and steps equal PyTorch's, and LeNet learns to read digits in seconds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load
from torch import nn

from convscope.data import load_data
from convscope.evaluation.metrics import loss_of
from convscope.export.engine import describe_network
from convscope.models import create_model

from .conftest import Engine, distance

SCRIPT = """
const network = await load();
const { Training } = await import("/engine/training.js");
const { toSafetensors } = await import("/engine/safetensors.js");
const { labels, mean, std, optimizer, steps, batchSize } = argument;
const data = { pixels: new Uint8Array(await floats("pixels")), labels, mean, std };
const training = new Training(network, data, { optimizer, batchSize });
const batch = labels.map((_, i) => i);
const { pass, loss } = training.gradients(batch);
const gradients = network.tensors.map(({ name }, i) => [`gradient:${name}`, pass.tensorGradients[i]]);
await give(Object.fromEntries(gradients));
training.nextBatch = () => batch;
for (let i = 0; i < steps; i += 1) training.step();
await give({ file: toSafetensors(network.tensors) });
return loss;
"""
LEARN = """
const network = await load();
const { Training } = await import("/engine/training.js");
const { labels, mean, std, optimizer, train } = argument;
const pixels = new Uint8Array(await floats("pixels"));
const size = pixels.length / labels.length;
const part = (from, to) => (
  { pixels: pixels.subarray(from * size, to * size), labels: labels.slice(from, to), mean, std });
const training = new Training(network, part(0, train), { optimizer, batchSize: 32 });
const started = performance.now();
while (training.epoch < 2 || training.order.length) training.step();
return { ...training.evaluate(part(train, labels.length)), seconds: (performance.now() - started) / 1000 };
"""
SGD = {"kind": "sgd", "learningRate": 0.05, "momentum": 0.9, "weightDecay": 0.001}
ADAM = {"kind": "adam", "learningRate": 0.002}
# With it, rounding errors of tiny gradients stay as small as they are.
EPS = 1e-3


def small_batch_norm() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 5, stride=3, bias=False), nn.BatchNorm2d(4), nn.ReLU(),
        nn.Conv2d(4, 6, 3, bias=False), nn.BatchNorm2d(6),
        nn.Flatten(), nn.LazyLinear(10),
    )  # fmt: skip


@pytest.mark.parametrize("settings", [SGD, ADAM], ids=["sgd", "adam"])
@pytest.mark.parametrize("name", ["lenet5", "lenet_relu", "lenet_sigmoid", "batch norm"])
def test_a_training_step_equals_pytorch(engine: Engine, name: str, settings: dict):
    torch.manual_seed(0)
    side = 28 if name == "lenet_sigmoid" else 32
    network = small_batch_norm() if name == "batch norm" else create_model(name)
    network(torch.zeros(2, 1, side, side))
    network.eval()
    network = network.double()  # the reference must be more exact than what is compared with it
    pixels = torch.randint(0, 256, (16, 1, side, side))
    labels = torch.arange(16) % 10
    described = describe_network(network.float(), (1, side, side))
    network.double().train()
    images = ((pixels.double() / 255) - 0.3) / 0.4
    if settings["kind"] == "sgd":
        optimizer = torch.optim.SGD(network.parameters(), 0.05, 0.9, weight_decay=0.001)
    else:
        optimizer = torch.optim.Adam(network.parameters(), 0.002, eps=EPS)
    expected: dict[str, np.ndarray] = {}
    losses = []
    # The engine's first gradients are computed without a step.
    states = {key: value.clone() for key, value in network.state_dict().items()}
    for step in range(4):
        loss = loss_of(network)(network(images), labels)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            expected = {key: p.grad.numpy() for key, p in network.named_parameters() if p.grad is not None}
            statistics = {k: v.clone() for k, v in network.state_dict().items() if "running" in k}
            network.load_state_dict(states | statistics)
            continue
        optimizer.step()
    argument = {
        "labels": labels.tolist(), "mean": [0.3], "std": [0.4], "optimizer": {**settings, "eps": EPS},
        "steps": 3, "batchSize": 16,
    }  # fmt: skip
    first, found = engine.run(described, SCRIPT, argument, pixels=pixels.numpy())
    assert first == pytest.approx(losses[0], rel=1e-5)
    for key, gradient in expected.items():
        assert distance(found[f"gradient:{key}"], gradient) < 1e-5, key
    saved = load(found["file"].tobytes())
    for key, value in network.state_dict().items():
        if value.is_floating_point() and value.ndim and "targets" not in key:
            assert distance(saved[key].numpy().ravel(), value.numpy()) < 1e-4, key


@pytest.mark.slow  # its steps are compared above
def test_lenet_learns_to_read_digits(engine: Engine):
    torch.manual_seed(0)
    data = load_data("mnist-5k")
    order = np.random.default_rng(0).permutation(len(data.splits["train"]))
    split = data.splits["train"].take(order)  # it is sorted by class
    pixels = np.pad(np.stack(split.images), ((0, 0), (2, 2), (2, 2)))
    labels = split.labels.tolist()
    train = len(labels) * 9 // 10
    described = describe_network(create_model("lenet_relu"), (1, 32, 32))
    argument = {"labels": labels, "mean": [0.13], "std": [0.31], "optimizer": ADAM, "train": train}
    result, _ = engine.run(described, LEARN, argument, pixels=pixels)
    assert result["accuracy"] > 0.93
