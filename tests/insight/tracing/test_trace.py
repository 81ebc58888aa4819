"""What a trace records, and that it leaves nothing behind."""

from __future__ import annotations

import json
from threading import Thread

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

import convscope as cs
from convscope.insight import trace
from convscope.insight.tracing.recorder import Recorder

from ..hooks import hooks_of


class Odd(nn.Module):
    """Functional calls, in-place calls, a module called twice, a decision by the data, several outputs."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.same = nn.Conv2d(4, 4, 3, padding=1)
        self.skip = nn.Identity()
        self.linear = nn.Linear(8 * 64, 5)

    def forward(self, x):
        x = self.conv(x)
        F.relu(x, inplace=True)
        shortcut = self.skip(x)
        y = self.same(self.same(x))
        y += shortcut
        if y.mean() > -1e9:
            y = torch.cat([y, -y], dim=1)
        low, high = y.chunk(2, 1)
        z = torch.cat((low, high.sigmoid()), 1)
        return self.linear(z.view(z.size(0), -1)), low


def test_names_kinds_and_edges():
    network = Odd()
    t = trace(network, torch.randn(2, 3, 8, 8))
    seen = [(n.name, n.kind, n.inputs) for n in t.nodes]
    assert seen == [
        ("input", "input", ()),
        ("conv", "conv", ("input",)),
        ("relu", "activation", ("conv",)),
        ("skip", "identity", ("relu",)),
        ("same", "conv", ("relu",)),
        ("same#2", "conv", ("same",)),
        ("add", "add", ("same#2", "skip")),
        ("mean", "other", ("add",)),
        ("gt", "other", ("mean",)),
        ("neg", "other", ("add",)),
        ("cat", "concat", ("add", "neg")),
        ("chunk", "reshape", ("cat",)),
        ("chunk[1]", "reshape", ("cat",)),
        ("sigmoid", "activation", ("chunk[1]",)),
        ("cat_2", "concat", ("chunk", "sigmoid")),
        ("view", "flatten", ("cat_2",)),
        ("linear", "linear", ("view",)),
    ]
    assert t.answers == ("linear", "chunk")
    assert t.node("same").attributes["kernel_size"] == [3, 3] and t.node("same").parameters == 148
    assert t.node("cat").shape == (8, 8, 8) and t.output("cat").shape == (2, 8, 8, 8)
    graph = t.graph()
    assert json.loads(json.dumps(graph)) == graph
    assert ["skip", "add"] in graph["edges"]


def test_outputs_are_those_before_in_place_changes():
    network = Odd()
    images = torch.randn(2, 3, 8, 8)
    t = trace(network, images)
    with torch.no_grad():
        conv = network.conv(images)
        second = network.same(network.same(conv.relu()))
        torch.testing.assert_close(t.output("conv"), conv)
        torch.testing.assert_close(t.output("relu"), conv.relu())
        torch.testing.assert_close(t.output("same#2"), second)
        torch.testing.assert_close(t.output("add"), second + conv.relu())
        torch.testing.assert_close(t.output("linear"), network.eval()(images)[0])
    assert (t.output("conv") < 0).any()


def test_a_view_of_what_was_changed_in_place_is_a_node_of_its_own():
    class Alias(nn.Module):
        def forward(self, x):
            y = x * 2
            rows = y.flatten(1)
            y[:, 0] += 1
            return rows.sum(1)

    t = trace(Alias(), torch.zeros(1, 2, 2, 2))
    (source,) = t.node("sum").inputs
    assert t.node(source).type == "changed" and "flatten" in t.node(source).inputs
    assert t.output(source).sum() == 4 and t.output("mul").sum() == 0 and t.output("flatten").sum() == 0


def test_nothing_is_left_behind(monkeypatch):
    class Fails(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.drop = nn.Conv2d(3, 4, 3), nn.Dropout()

        def forward(self, x):
            self.drop(self.conv(x))
            raise RuntimeError("boom")

    class FailingLayer(nn.Module):
        def forward(self, x):
            raise RuntimeError("boom")

    for network in (Fails(), nn.Sequential(nn.Conv2d(3, 4, 3), FailingLayer())):
        network.train()
        list(network.children())[1].eval()
        with pytest.raises(RuntimeError, match="boom"):
            trace(network, torch.zeros(1, 3, 8, 8))
        assert hooks_of(network) == 0
        assert [m.training for m in network.modules()] == [True, True, False]
        assert torch.is_grad_enabled()
    with monkeypatch.context() as patch:
        patch.setattr(Recorder, "__torch_function__", lambda *_: pytest.fail("it still records"))
        assert torch.zeros(2).add(1).sum() == 2
    network = Odd()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    trace(network, torch.zeros(1, 3, 8, 8))
    assert hooks_of(network) == 0 and network.training
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


def test_keep_names_what_is_kept():
    network = Odd()
    t = trace(network, torch.zeros(1, 3, 8, 8), keep=["conv"])
    assert set(t.outputs) == {"conv"} and len(t.nodes) == 17
    with pytest.raises(ValueError, match="'relu' was not kept"):
        t.output("relu")
    with pytest.raises(ValueError, match=r"no node is called 'convv'; did you mean conv"):
        trace(network, torch.zeros(1, 3, 8, 8), keep=["convv"])
    with pytest.raises(ValueError, match="no node is called 'nonsense'"):
        t.node("nonsense")


def test_a_layer_that_catches_the_failure_of_another():
    class Inner(nn.Module):
        def forward(self, x):
            raise ValueError

    class Careful(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.conv = nn.Sequential(Inner()), nn.Conv2d(3, 4, 3)

        def forward(self, x):
            try:
                return self.inner(x)
            except ValueError:
                return self.conv(x)

    assert [n.name for n in trace(Careful(), torch.zeros(1, 3, 8, 8)).nodes] == ["input", "conv"]


def test_names_are_unique():
    class Clash(nn.Module):
        def __init__(self):
            super().__init__()
            self.add, self.add_2 = nn.Identity(), nn.ReLU()

        def forward(self, x):
            return self.add_2(self.add(self.add(x + 1)) + 2 + 3)

    names = [n.name for n in trace(Clash(), torch.zeros(1, 3, 8, 8)).nodes]
    assert names == ["input", "add_3", "add", "add#2", "add_4", "add_5", "add_2"]


def test_two_threads_trace_one_network():
    network, traces = cs.create_model("lenet_relu"), {}

    def work(number):
        for _ in range(10):
            traces[number] = trace(network, torch.full((1, 1, 32, 32), float(number)))

    threads = [Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(len(t.nodes) == 13 and (t.output("input") == number).all() for number, t in traces.items())
    assert hooks_of(network) == 0


def test_half_precision_and_inference_mode():
    network = cs.create_model("lenet_relu").to(torch.bfloat16)
    with torch.inference_mode():
        t = trace(network, torch.rand(3, 1, 32, 32))
    assert t.output("classifier.4").dtype == torch.bfloat16 and len(t.output("classifier.4")) == 3


def test_a_network_that_is_one_layer():
    t = trace(nn.Conv2d(3, 4, 3), torch.zeros(1, 3, 8, 8))
    assert [(n.name, n.module) for n in t.nodes] == [("input", None), ("Conv2d", "")]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("resnet18", {"conv": 20, "norm": 20, "activation": 17, "add": 8, "pool": 1, "global_pool": 1, "linear": 1}),
        ("densenet121", {"conv": 120, "norm": 121, "concat": 62, "linear": 1, "global_pool": 1}),
        ("mobilenet_v3_small", {"multiply": 9, "add": 6, "linear": 2}),
        ("efficientnet_b0", {"multiply": 16, "add": 9, "conv": 81, "norm": 49}),
    ],
)
def test_public_networks(name, expected):
    network = getattr(torchvision.models, name)(weights=None).eval()
    images = torch.randn(1, 3, 64, 64)
    t = trace(network, images)
    counts = {kind: sum(n.kind == kind for n in t.nodes) for kind in expected}
    assert counts == expected
    with torch.no_grad():
        torch.testing.assert_close(t.output(t.answers[0]), network(images))
    names = {n.name for n in t.nodes}
    assert len(names) == len(t.nodes)
    # Every node that is not the input is fed by nodes before it.
    before = set()
    for node in t.nodes:
        assert set(node.inputs) <= before and (node.inputs or node.kind == "input")
        before.add(node.name)


class PadsItself(nn.Conv2d):
    """A convolution with a row below and a column on the right, as TensorFlow's "same" pads with a stride of 2."""

    def forward(self, maps):
        return super().forward(nn.functional.pad(maps, (0, 1, 0, 1)))


@pytest.mark.parametrize(
    ("layer", "padding"),
    [
        (nn.Conv2d(2, 3, 3, padding=1), {"padding": [1, 1]}),
        (nn.Conv2d(2, 3, (3, 5), padding=(1, 2), padding_mode="circular"), {"padding": [1, 2]}),
        (nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect"), {"padding": [1, 1]}),
        (PadsItself(2, 3, 3, stride=2), {"padding": [0, 0], "pad": [0, 1, 0, 1]}),
    ],
    ids=["zeros", "circular", "reflect", "one side"],
)
def test_padding_that_a_layer_does_itself_is_among_its_settings(layer, padding):
    node = trace(nn.Sequential(layer), torch.zeros(1, 2, 8, 8)).node("0")
    mode = {} if layer.padding_mode == "zeros" else {"padding_mode": layer.padding_mode}
    mode = {"padding_mode": "constant"} if "pad" in padding else mode
    named = ("padding", "padding_mode", "pad")
    assert {key: value for key, value in node.attributes.items() if key in named} == {**padding, **mode}
